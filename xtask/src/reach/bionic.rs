//! Which names Android's own libraries offer, of those that ours asks for: `bionic.txt` beside this file.

use std::collections::BTreeMap;

use crate::reach::elf::Library;

/// The oldest Android the library is for: 8.0.
pub(crate) const API: u32 = 26;
/// Android's libraries that an app may load by name, of those that Rust's standard library and `android_logger` link.
pub(crate) const LIBRARIES: [&str; 4] = ["libc.so", "libm.so", "libdl.so", "liblog.so"];
/// Pages of memory on newer devices, in bytes.
const PAGE: u64 = 16 * 1024;

const LIST: &str = include_str!("bionic.txt");

/// Everything for which Android would refuse to load the library.
pub(crate) fn refusals(library: &Library) -> Vec<String> {
    let known = known(LIST);
    let mut refusals: Vec<String> = library
        .asked
        .iter()
        .filter_map(|name| match known.get(name.as_str()) {
            Some(since) if *since <= API => None,
            Some(since) => Some(format!("`{name}` is there from API {since} on, not in {API}")),
            None => Some(format!("`{name}` is not among what is known of Android (xtask/src/reach/bionic.txt)")),
        })
        .collect();
    let strangers = library.needed.iter().filter(|name| !LIBRARIES.contains(&name.as_str()));
    refusals.extend(strangers.map(|name| format!("`{name}` is no library of Android")));
    if library.page < PAGE || !library.page.is_multiple_of(PAGE) {
        refusals.push(format!("a part is aligned to {} bytes: not for pages of 16 KB", library.page));
    }
    refusals
}

/// Each name and the API level it came with.
fn known(list: &str) -> BTreeMap<&str, u32> {
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(name, since)| Some((name, since.parse().ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn library(asked: &[&str], needed: &str, page: u64) -> Library {
        let asked: BTreeSet<String> = asked.iter().map(|&name| name.to_owned()).collect();
        Library { asked, needed: vec![needed.to_owned()], page, ..Library::default() }
    }

    #[test]
    fn what_android_does_not_have_is_told() {
        assert_eq!(refusals(&library(&["open", "dl_iterate_phdr"], "libc.so", PAGE)), Vec::<String>::new());
        let refused = refusals(&library(&["open", "copy_file_range", "__errno_location"], "libgcc_s.so.1", 4096));
        assert_eq!(refused.len(), 4, "{refused:?}");
        assert!(refused[0].contains("`__errno_location`") && refused[1].contains("API 34"), "{refused:?}");
    }

    #[test]
    fn the_list_is_in_order_and_each_name_stands_once() {
        let names: Vec<&str> =
            LIST.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split(' ').next()).collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "sorted by name");
        assert_eq!(known(LIST).len(), names.len(), "each with its level");
    }
}
