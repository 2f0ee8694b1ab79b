//! The module tree of a package: the file of each module, and the names in its scope.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use syn::{Attribute, Item, UseTree};

/// A module's place in the tree: its names from the root on.
pub(crate) type ModulePath = Vec<String>;

/// A module outside tests.
pub(crate) struct Module {
    pub(crate) path: ModulePath,
    /// Its file, relative to the base.
    pub(crate) file: String,
    pub(crate) items: Vec<Item>,
    /// Names that a `use` brings into its scope, with the path they stand for.
    pub(crate) uses: BTreeMap<String, Vec<String>>,
    /// Paths of glob imports.
    pub(crate) globs: Vec<Vec<String>>,
    /// Names that it defines, except modules.
    pub(crate) defined: Vec<String>,
    /// Its `mod x;` items, with their lines.
    pub(crate) children: Vec<(String, usize)>,
}

/// All modules, by their paths.
pub(crate) struct Modules {
    pub(crate) all: BTreeMap<ModulePath, Module>,
}

impl Modules {
    pub(crate) fn read(base: &Path, root: &str) -> Result<Self, String> {
        let mut modules = Self { all: BTreeMap::new() };
        let file = PathBuf::from(root);
        // The modules of a root, and of a `mod.rs`, are in the same folder.
        let dir = file.parent().map(Path::to_owned).unwrap_or_default();
        modules.read_file(base, &file, &dir, Vec::new())?;
        Ok(modules)
    }

    fn read_file(&mut self, base: &Path, file: &Path, dir: &Path, path: ModulePath) -> Result<(), String> {
        let text =
            fs::read_to_string(base.join(file)).map_err(|error| format!("{}: {error}", file.display()))?;
        let parsed = syn::parse_file(&text)
            .map_err(|error| format!("{}:{}: {error}", file.display(), error.span().start().line))?;
        self.add(base, file, dir, path, parsed.items)
    }

    fn add(
        &mut self,
        base: &Path,
        file: &Path,
        dir: &Path,
        path: ModulePath,
        items: Vec<Item>,
    ) -> Result<(), String> {
        let mut module = Module {
            path: path.clone(),
            file: file.to_string_lossy().into_owned(),
            items: Vec::new(),
            uses: BTreeMap::new(),
            globs: Vec::new(),
            defined: Vec::new(),
            children: Vec::new(),
        };
        for item in items {
            if attributes(&item).iter().any(is_test) {
                continue;
            }
            if let Some(name) = defined_name(&item) {
                module.defined.push(name);
            }
            match item {
                Item::Mod(inner) => {
                    let name = inner.ident.to_string();
                    let child: ModulePath = path.iter().cloned().chain([name.clone()]).collect();
                    let below = dir.join(&name);
                    if let Some((_, items)) = inner.content {
                        self.add(base, file, &below, child, items)?;
                        continue;
                    }
                    module.children.push((name.clone(), inner.ident.span().start().line));
                    let beside = dir.join(format!("{name}.rs"));
                    let within = below.join("mod.rs");
                    let child_file = if base.join(&within).exists() { within } else { beside };
                    self.read_file(base, &child_file, &below, child)?;
                }
                Item::Use(import) => {
                    record(&import.tree, Vec::new(), &mut module);
                    module.items.push(Item::Use(import));
                }
                item => module.items.push(item),
            }
        }
        self.all.insert(path, module);
        Ok(())
    }
}

fn record(tree: &UseTree, mut prefix: Vec<String>, module: &mut Module) {
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            record(&path.tree, prefix, module);
        }
        UseTree::Name(name) if name.ident == "self" => {
            if let Some(last) = prefix.last().cloned() {
                module.uses.insert(last, prefix);
            }
        }
        UseTree::Name(name) => {
            prefix.push(name.ident.to_string());
            module.uses.insert(name.ident.to_string(), prefix);
        }
        UseTree::Rename(rename) => {
            if rename.ident != "self" {
                prefix.push(rename.ident.to_string());
            }
            module.uses.insert(rename.rename.to_string(), prefix);
        }
        UseTree::Glob(_) => module.globs.push(prefix),
        UseTree::Group(group) => {
            for tree in &group.items {
                record(tree, prefix.clone(), module);
            }
        }
    }
}

fn defined_name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        _ => return None,
    };
    Some(name.to_string())
}

/// The attributes of an item.
pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether an attribute excludes its item from the product: `#[cfg(test)]`, `#[cfg(all(test, ..))]`.
pub(crate) fn is_test(attribute: &Attribute) -> bool {
    let Ok(list) = attribute.meta.require_list() else { return false };
    if !list.path.is_ident("cfg") {
        return false;
    }
    let condition = list.tokens.to_string();
    let words = condition.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.clone().any(|word| word == "test") && !words.clone().any(|word| word == "not" || word == "any")
}
