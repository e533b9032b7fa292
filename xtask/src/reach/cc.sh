#!/bin/sh
# Takes what is said to a C compiler that links, and says it to the linker: options for that one without their `-Wl,`, none that are the
# compiler's own. Libraries are noted as needed though nothing of them is seen to be: those that stand in for Android's are empty.
set -f
for word do
    shift
    case "$word" in
        -Wl,--as-needed) ;;
        -Wl,*) before=$IFS; IFS=,; set -- "$@" ${word#-Wl,}; IFS=$before ;;
        -nodefaultlibs|-nostartfiles|-nostdlib|-fuse-ld=*|--target=*|-m*|-B*) ;;
        *) set -- "$@" "$word" ;;
    esac
done
exec LLD "$@"
