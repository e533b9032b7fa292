//! A command as it was typed, for files that are handed on.

use std::path::Path;

/// Options whose values are words and never files, though they may hold a slash.
const WORDS: [&str; 7] = ["--prompt", "-p", "--class", "--trigger", "--author", "--licence", "--name"];

/// Arguments without folders: of each path its last part alone, for where somebody keeps their files is nobody else's affair.
#[must_use]
pub fn without_folders(arguments: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut before = String::new();
    let mut shown = Vec::new();
    for argument in arguments {
        let kept = match argument.split_once('=').filter(|(option, _)| option.starts_with("--")) {
            Some((option, _)) if WORDS.contains(&option) => argument.clone(),
            Some((option, value)) => format!("{option}={}", last_part(value)),
            None if WORDS.contains(&before.as_str()) => argument.clone(),
            None => last_part(&argument).to_owned(),
        };
        shown.push(kept);
        before = argument;
    }
    shown
}

fn last_part(path: &str) -> &str {
    // Both signs, whatever the system: a page may be made from a record of another one.
    let path = path.trim_end_matches(['/', '\\']);
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    // `..` and a drive name nothing.
    if Path::new(name).file_name().is_some() { name } else { "." }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_stay_and_their_folders_go() {
        let typed = [
            "/home/me/.cargo/bin/cones",
            "find",
            "--images",
            "../photos/rex/",
            "--class",
            "dog/cat",
            "--trigger=<v1> dog/cat",
            "--out=/home/me/rex.cones",
            "--cache",
            "C:\\Users\\me\\cache",
            "--share",
            "1",
            "--bundle",
            "..",
        ];
        let shown = without_folders(typed.map(str::to_owned));
        assert_eq!(
            shown.join(" "),
            "cones find --images rex --class dog/cat --trigger=<v1> dog/cat --out=rex.cones --cache cache --share 1 --bundle ."
        );
        assert_eq!(without_folders(shown.clone()), shown);
    }
}
