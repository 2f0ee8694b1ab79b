//! Files that import each other, directly or through other files.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::Import;

/// The imports in circles, grouped by circle: in a group, every file reaches every other.
#[must_use]
pub fn circles(imports: &[Import]) -> Vec<Vec<Import>> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for import in imports {
        next.entry(&import.from).or_default().insert(&import.to);
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        next.keys().map(|&file| (file, reachable(&next, file))).collect();
    let mutual = |one: &str, two: &str| {
        reached.get(one).is_some_and(|files| files.contains(two))
            && reached.get(two).is_some_and(|files| files.contains(one))
    };
    let mut groups: Vec<Vec<Import>> = Vec::new();
    for import in imports.iter().filter(|import| mutual(&import.from, &import.to)) {
        match groups.iter_mut().find(|group| mutual(&group[0].from, &import.from)) {
            Some(group) => group.push(import.clone()),
            None => groups.push(vec![import.clone()]),
        }
    }
    groups
}

fn reachable<'f>(next: &BTreeMap<&'f str, BTreeSet<&'f str>>, from: &'f str) -> BTreeSet<&'f str> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        for &to in next.get(file).into_iter().flatten() {
            if found.insert(to) {
                open.push(to);
            }
        }
    }
    found
}
