//! Every path in a module's code: in a `use`, a type, an expression, or a macro's arguments.

use proc_macro2::TokenStream;
use proc_macro2::TokenTree;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{ImplItem, Item, ItemUse, Macro, UseTree, Visibility};

use crate::modules::{Module, attributes, is_test};

/// A path in the code, and its line.
pub(crate) struct Written {
    pub(crate) names: Vec<String>,
    pub(crate) line: usize,
}

/// The paths of one module, without those of the modules inside it.
pub(crate) fn written(module: &Module) -> Vec<Written> {
    let mut paths = Paths(Vec::new());
    for item in &module.items {
        paths.visit_item(item);
    }
    paths.0
}

struct Paths(Vec<Written>);

impl Paths {
    fn push(&mut self, names: Vec<String>, line: usize) {
        self.0.push(Written { names, line });
    }

    fn use_tree(&mut self, tree: &UseTree, mut prefix: Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.use_tree(&path.tree, prefix);
            }
            UseTree::Name(name) => {
                if name.ident != "self" {
                    prefix.push(name.ident.to_string());
                }
                self.push(prefix, name.ident.span().start().line);
            }
            UseTree::Rename(rename) => {
                if rename.ident != "self" {
                    prefix.push(rename.ident.to_string());
                }
                self.push(prefix, rename.ident.span().start().line);
            }
            UseTree::Glob(glob) => self.push(prefix, glob.span().start().line),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.use_tree(tree, prefix.clone());
                }
            }
        }
    }

    /// The expansion of a macro is unknown, but a path in its arguments is a path.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut names: Vec<String> = Vec::new();
        let mut line = 0;
        let mut colons = 0;
        for token in tokens {
            match &token {
                TokenTree::Punct(punct) if punct.as_char() == ':' && !names.is_empty() => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(ident) if names.is_empty() || colons == 2 => {
                    if names.is_empty() {
                        line = ident.span().start().line;
                    }
                    names.push(ident.to_string());
                    colons = 0;
                    continue;
                }
                _ => {}
            }
            if names.len() > 1 {
                self.push(std::mem::take(&mut names), line);
            }
            names.clear();
            colons = 0;
            match token {
                TokenTree::Ident(ident) => {
                    line = ident.span().start().line;
                    names.push(ident.to_string());
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                _ => {}
            }
        }
        if names.len() > 1 {
            self.push(names, line);
        }
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item(&mut self, item: &'ast Item) {
        if !attributes(item).iter().any(is_test) {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            _ => return syn::visit::visit_impl_item(self, item),
        };
        if !attributes.iter().any(is_test) {
            syn::visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_use(&mut self, import: &'ast ItemUse) {
        self.use_tree(&import.tree, Vec::new());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.push(names, path.span().start().line);
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invoked: &'ast Macro) {
        syn::visit::visit_macro(self, invoked);
        self.tokens(invoked.tokens.clone());
    }

    /// `pub(crate)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    /// Nor does an attribute. A derive of another package is that package's concern.
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
}
