//! Resolves each path to a file.

use std::collections::BTreeSet;
use std::fmt;

use crate::modules::{Module, ModulePath, Modules};
use crate::paths::written;

/// The imports of a package.
#[derive(Debug)]
pub struct Sources {
    /// From file to file.
    pub imports: Vec<Import>,
    /// Imports of other packages: the file, the package's name in the code, the line.
    pub foreign: Vec<(String, String, usize)>,
}

/// One file imports from another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Import {
    /// The file that imports.
    pub from: String,
    /// The file that is imported.
    pub to: String,
    /// The line in `from`; the first of several.
    pub line: usize,
}

impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {} (line {})", self.from, self.to, self.line)
    }
}

/// The target of a path.
enum Target<'m> {
    /// An item of this module, or the module itself.
    Module(&'m Module),
    Package(String),
    /// A local name, a primitive type, or a name of the prelude.
    Nothing,
}

/// All imports, each once.
pub(crate) fn find(modules: &Modules) -> Sources {
    let mut sources = Sources { imports: Vec::new(), foreign: Vec::new() };
    for module in modules.all.values() {
        let mut paths: Vec<(Target<'_>, usize)> = Vec::new();
        for (child, line) in &module.children {
            let path = module.path.iter().chain([child]).cloned().collect::<ModulePath>();
            if let Some(child) = modules.all.get(&path) {
                paths.push((Target::Module(child), *line));
            }
        }
        for path in written(module) {
            paths.push((resolve(modules, module, &path.names), path.line));
        }
        for (target, line) in paths {
            match target {
                Target::Module(target) if target.file != module.file => {
                    sources.imports.push(Import { from: module.file.clone(), to: target.file.clone(), line })
                }
                Target::Package(name) => sources.foreign.push((module.file.clone(), name, line)),
                Target::Module(_) | Target::Nothing => {}
            }
        }
    }
    sources.imports.sort();
    sources.imports.dedup_by(|next, first| (&next.from, &next.to) == (&first.from, &first.to));
    sources.foreign.sort();
    sources.foreign.dedup_by(|next, first| (&next.0, &next.1) == (&first.0, &first.1));
    sources
}

fn resolve<'m>(modules: &'m Modules, from: &'m Module, names: &[String]) -> Target<'m> {
    let Some(first) = names.first() else { return Target::Nothing };
    let mut module = from;
    let mut rest = names;
    match first.as_str() {
        "crate" => (module, rest) = (&modules.all[&Vec::new()], &names[1..]),
        "self" if names.len() > 1 => rest = &names[1..],
        "super" => {
            while rest.first().is_some_and(|name| name == "super") {
                let Some((_, above)) = module.path.split_last() else { return Target::Nothing };
                (module, rest) = (&modules.all[above], &rest[1..]);
            }
        }
        _ => {
            // A name in scope here, or the name of another package.
            let mut seen = BTreeSet::new();
            return match look_up(modules, module, rest, &mut seen) {
                Some(target) => target,
                None if names.len() > 1
                    && first.chars().all(|c| c.is_lowercase() || c.is_numeric() || c == '_') =>
                {
                    Target::Package(first.clone())
                }
                None => Target::Nothing,
            };
        }
    }
    let mut seen = BTreeSet::new();
    look_up(modules, module, rest, &mut seen).unwrap_or(Target::Module(module))
}

/// Follows names down from a module. None if the module has no such name.
fn look_up<'m>(
    modules: &'m Modules,
    module: &'m Module,
    names: &[String],
    seen: &mut BTreeSet<(ModulePath, String)>,
) -> Option<Target<'m>> {
    let Some((first, rest)) = names.split_first() else { return Some(Target::Module(module)) };
    let child: ModulePath = module.path.iter().chain([first]).cloned().collect();
    if let Some(child) = modules.all.get(&child) {
        return Some(look_up(modules, child, rest, seen).unwrap_or(Target::Module(child)));
    }
    if module.defined.contains(first) {
        return Some(Target::Module(module));
    }
    if !seen.insert((module.path.clone(), first.clone())) {
        return None;
    }
    if let Some(used) = module.uses.get(first) {
        // Without this, `use thing::thing;` would look itself up again.
        let names: Vec<String> = used.iter().chain(rest).cloned().collect();
        return match resolve_use(modules, module, &names, seen) {
            Some(target) => Some(target),
            None => Some(Target::Package(names[0].clone())),
        };
    }
    for glob in &module.globs {
        let names: Vec<String> = glob.iter().chain(names).cloned().collect();
        if let Some(target @ Target::Module(found)) = resolve_use(modules, module, &names, seen)
            && found.path != module.path
        {
            return Some(target);
        }
    }
    None
}

fn resolve_use<'m>(
    modules: &'m Modules,
    module: &'m Module,
    names: &[String],
    seen: &mut BTreeSet<(ModulePath, String)>,
) -> Option<Target<'m>> {
    let mut start = module;
    let mut rest = names;
    match names[0].as_str() {
        "crate" => (start, rest) = (&modules.all[&Vec::new()], &names[1..]),
        "self" => rest = &names[1..],
        "super" => {
            while rest.first().is_some_and(|name| name == "super") {
                let (_, above) = start.path.split_last()?;
                (start, rest) = (&modules.all[above], &rest[1..]);
            }
        }
        _ => {}
    }
    look_up(modules, start, rest, seen)
}
