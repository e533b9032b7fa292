//! Names in a source file: its `use` statements and the paths in its code.

use std::path::Path;

/// A module's path from the root of its crate; empty for `lib.rs` and `main.rs`.
pub(super) type Module = Vec<String>;

/// The module that a file holds, by its path below `src`.
pub(super) fn module(file: &Path) -> Module {
    let mut parts: Module = file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| matches!(last.as_str(), "lib" | "main" | "mod")) {
        parts.pop();
    }
    parts
}

/// One path that a file names, as it is written, and whether it is passed on to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) path: Vec<String>,
    /// The name that it has here.
    pub(super) name: String,
    /// By `pub use`.
    pub(super) passed_on: bool,
}

/// All paths of a file: those of `use`, then those in its code. Comments, texts and its tests are left out.
pub(super) fn named(source: &str) -> Vec<Named> {
    let code = code(source);
    let mut all = Vec::new();
    let mut rest = String::new();
    for statement in code.split_inclusive(';') {
        match use_statement(statement) {
            Some((before, tree, passed_on)) => {
                rest.push_str(before);
                leaves(&mut all, &[], tree, passed_on);
            }
            None => rest.push_str(statement),
        }
    }
    for word in rest.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':'))) {
        let path: Vec<String> = word.split("::").map(str::to_owned).collect();
        if let (2.., false, Some(name)) = (path.len(), path.iter().any(String::is_empty), path.last()) {
            let name = name.clone();
            all.push(Named { path, name, passed_on: false });
        }
    }
    all
}

/// What stands before the `use` of a statement, its tree, and whether it is public in any way.
fn use_statement(statement: &str) -> Option<(&str, &str, bool)> {
    let mut from = 0;
    while let Some(at) = statement.get(from..)?.find("use ").map(|at| from + at) {
        from = at + 4;
        let (before, tree) = (&statement[..at], &statement[from..]);
        // A word of its own, at the start of a line or behind its visibility.
        let line = before.rsplit('\n').next().unwrap_or_default().trim();
        if line.is_empty() || (line.starts_with("pub") && !line.contains(' ')) || line.starts_with("pub(in") {
            return Some((before, tree.trim_end_matches(';').trim(), line.starts_with("pub")));
        }
    }
    None
}

/// The single paths of a tree as `a::{b, c::{self, d as e}}`.
fn leaves(all: &mut Vec<Named>, before: &[String], tree: &str, passed_on: bool) {
    let tree = tree.trim();
    let (head, inner) = match tree.split_once('{') {
        Some((head, inner)) => (head, Some(inner.trim_end().trim_end_matches('}'))),
        None => (tree, None),
    };
    let (head, alias) = head.split_once(" as ").map_or((head, None), |(head, alias)| (head, Some(alias.trim())));
    let mut path = before.to_vec();
    let parts = head.split("::").map(str::trim).filter(|part| !matches!(*part, "" | "self" | "*"));
    // `self` at the very start is this module; further in it is what stands before it.
    if before.is_empty() && head.trim_start().starts_with("self") {
        path.push("self".into());
    }
    path.extend(parts.map(str::to_owned));
    match inner {
        Some(inner) => split(inner).into_iter().for_each(|tree| leaves(all, &path, tree, passed_on)),
        None => {
            let name = alias.map(str::to_owned).or_else(|| path.last().cloned()).unwrap_or_default();
            all.push(Named { path, name, passed_on });
        }
    }
}

/// The parts between the outermost commas.
fn split(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// The code without comments, texts and the tests that end it.
fn code(source: &str) -> String {
    let mut code = String::new();
    for line in source.lines() {
        if line.trim_start() == "#[cfg(test)]" {
            break;
        }
        let line = line.split("//").next().unwrap_or_default();
        let mut inside = false;
        let mut before = ' ';
        for c in line.chars() {
            if c == '"' && before != '\\' && before != '\'' {
                inside = !inside;
            } else if !inside {
                code.push(c);
            }
            before = c;
        }
        code.push('\n');
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(source: &str) -> Vec<String> {
        named(source).into_iter().map(|named| named.path.join("::")).collect()
    }

    #[test]
    fn trees_come_apart() {
        assert_eq!(
            paths("use crate::a::{self, B, c::{D, e as f}};\npub use g::H;\n"),
            ["crate::a", "crate::a::B", "crate::a::c::D", "crate::a::c::e", "g::H"]
        );
        let passed: Vec<bool> =
            named("use a::B;\npub use c::D;\npub(crate) use e::F;").iter().map(|n| n.passed_on).collect();
        assert_eq!(passed, [false, true, true]);
        assert_eq!(named("use a::b as c;")[0].name, "c");
    }

    #[test]
    fn paths_in_code_count_and_texts_comments_and_tests_do_not() {
        let source = "
            /// As [`crate::in_a_comment`].
            fn f() { super::g::h(\"crate::in_a_text\"); because::not(); } // crate::behind
            #[cfg(test)]
            mod tests { use crate::in_a_test; }
        ";
        assert_eq!(paths(source), ["super::g::h", "because::not"]);
    }

    #[test]
    fn files_are_modules() {
        assert_eq!(module(Path::new("a/b.rs")), ["a", "b"]);
        assert_eq!(module(Path::new("a/mod.rs")), ["a"]);
        assert!(module(Path::new("lib.rs")).is_empty());
    }
}
