//! Which file needs which, and the circles in that.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{self, Module, Named};

/// For each file the files that it needs.
pub(super) type Needs = BTreeMap<Module, BTreeSet<Module>>;

/// What a module passes on: by name, the path that it stands for.
type PassedOn = BTreeMap<(Module, String), Module>;

/// Names that are passed on more often than this are a circle of their own, which the compiler refuses.
const DEEPEST: usize = 16;

/// Reads which file needs which from the text of each.
pub(super) fn needs(sources: &BTreeMap<Module, String>) -> Needs {
    let named: BTreeMap<&Module, Vec<Named>> = sources.iter().map(|(m, text)| (m, names::named(text))).collect();
    let mut passed_on = PassedOn::new();
    for (module, named) in &named {
        for each in named.iter().filter(|each| each.passed_on) {
            if let Some(path) = absolute(sources, module, &each.path) {
                passed_on.insert(((*module).clone(), each.name.clone()), path);
            }
        }
    }
    let mut needs = Needs::new();
    for (module, named) in named {
        let own = named.iter().filter(|each| !each.passed_on);
        let paths = own.filter_map(|each| absolute(sources, module, &each.path));
        let owners = paths.filter_map(|path| owner(sources, &passed_on, path, 0));
        needs.insert(module.clone(), owners.filter(|owner| owner != module).collect());
    }
    needs
}

/// A path from the root of the crate; none for what comes from elsewhere.
fn absolute(sources: &BTreeMap<Module, String>, module: &Module, path: &[String]) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    let mut base = module.clone();
    match first.as_str() {
        "crate" => return Some(rest.to_vec()),
        "self" => {}
        "super" => {
            base.pop()?;
            let further = rest.iter().take_while(|part| *part == "super").count();
            (0..further).try_for_each(|_| base.pop().map(drop))?;
            base.extend(rest.iter().skip(further).cloned());
            return Some(base);
        }
        child => {
            base.push(child.to_owned());
            if !sources.contains_key(&base) {
                return None;
            }
        }
    }
    base.extend(rest.iter().cloned());
    Some(base)
}

/// The file that owns what a path names: the longest part of it that is a file, or where that file passes it on from.
fn owner(sources: &BTreeMap<Module, String>, passed_on: &PassedOn, path: Module, depth: usize) -> Option<Module> {
    let length = (0..=path.len()).rev().find(|length| sources.contains_key(&path[..*length]))?;
    let file = path[..length].to_vec();
    let next = path.get(length).and_then(|name| passed_on.get(&(file.clone(), name.clone())));
    match next {
        Some(from) if depth < DEEPEST => {
            let whole = from.iter().chain(path.iter().skip(length + 1)).cloned().collect();
            owner(sources, passed_on, whole, depth + 1)
        }
        _ => Some(file),
    }
}

/// For each set of files that need each other one shortest way around, as it is read: the first file stands at both ends.
pub(super) fn circles(needs: &Needs) -> Vec<Vec<String>> {
    let reach: BTreeMap<&Module, BTreeSet<&Module>> = needs.keys().map(|from| (from, reached(needs, from))).collect();
    let mut told: BTreeSet<&Module> = BTreeSet::new();
    let mut circles = Vec::new();
    for (from, reached) in &reach {
        if !reached.contains(*from) || told.contains(*from) {
            continue;
        }
        // All files that it needs and that need it are of one circle, and one way around tells it.
        told.extend(reached.iter().filter(|to| reach.get(**to).is_some_and(|back| back.contains(*from))));
        circles.push(around(needs, from).iter().map(|module| shown(module)).collect());
    }
    circles
}

fn reached<'a>(needs: &'a Needs, from: &Module) -> BTreeSet<&'a Module> {
    let mut found: BTreeSet<&Module> = BTreeSet::new();
    let mut next: Vec<&Module> = needs.get(from).into_iter().flatten().collect();
    while let Some(module) = next.pop() {
        if found.insert(module) {
            next.extend(needs.get(module).into_iter().flatten());
        }
    }
    found
}

/// The shortest way from a file back to itself.
fn around<'a>(needs: &'a Needs, from: &'a Module) -> Vec<&'a Module> {
    let mut ways: Vec<Vec<&Module>> = vec![vec![from]];
    let mut seen: BTreeSet<&Module> = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let Some(last) = way.last() else { continue };
            for to in needs.get(*last).into_iter().flatten() {
                let whole = || way.iter().copied().chain([to]).collect::<Vec<_>>();
                if to == from {
                    return whole();
                }
                if seen.insert(to) {
                    longer.push(whole());
                }
            }
        }
        ways = longer;
    }
    Vec::new()
}

fn shown(module: &Module) -> String {
    if module.is_empty() { "lib".into() } else { module.join("::") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(files: &[(&str, &str)]) -> Vec<String> {
        let module = |path: &str| path.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let sources = files.iter().map(|(path, text)| (module(path), (*text).to_owned())).collect();
        circles(&needs(&sources)).into_iter().map(|circle| circle.join(" → ")).collect()
    }

    #[test]
    fn a_circle_is_named_once_by_its_shortest_way() {
        let files = [
            ("a", "use crate::b::B;"),
            ("b", "use super::c::{C, D};"),
            ("c", "use crate::{a::A, b};"),
            ("d", "use crate::a::A;"),
        ];
        assert_eq!(told(&files), ["a → b → c → a"]);
        assert_eq!(told(&[("a", "use crate::b::B;"), ("b", "use crate::c::C;"), ("c", "")]), [""; 0]);
    }

    #[test]
    fn a_module_that_lists_its_parts_needs_none_of_them() {
        let list = "mod one;\nmod two;\npub use one::One;\npub use two::Two;";
        let good = [("", "pub mod all;"), ("all", list), ("all::one", ""), ("all::two", "use super::One;")];
        assert_eq!(told(&good), [""; 0]);
        // What is passed on belongs to its owner, however far it is passed.
        let bad = [
            ("", "mod all;\npub use all::One;"),
            ("all", list),
            ("all::one", "use crate::all::two::Two;"),
            ("all::two", "use crate::One;"),
        ];
        assert_eq!(told(&bad), ["all::one → all::two → all::one"]);
    }

    #[test]
    fn a_part_that_reads_what_its_module_holds_is_a_circle() {
        let files = [("a", "mod b;\nconst C: u8 = b::f();"), ("a::b", "fn f() -> u8 { super::C }")];
        assert_eq!(told(&files), ["a → a::b → a"]);
    }
}
