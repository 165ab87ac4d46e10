//! A small file system in memory: names lead to nodes, as directory entries lead to inodes.
//!
//! In: a directory, and [`Change`]s. Out: the tree that is left when some of the changes are lost,
//! written to another directory.
//!
//! Invariants: a change may be applied although one before it was lost; then names lead to what the
//! change meant them to lead to (test `a_rename_whose_file_was_never_linked_still_names_it`), and what
//! no name leads to is gone (test `what_is_in_a_lost_directory_is_lost`).
//!
//! Deliberately not here: which changes a crash may lose (`state`).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::attributes;
use crate::Outcome;
use crate::tree::at;

/// What an inode is in the model.
pub(crate) type Id = usize;

/// The directory at the top.
pub(crate) const TOP: Id = 0;

/// What a name leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    pub(crate) body: Body,
    /// The twelve bits of the mode that `chmod` sets.
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    /// Seconds and nanoseconds; `None` where it is whenever it is written.
    pub(crate) modified: Option<(i64, i64)>,
    pub(crate) attributes: BTreeMap<OsString, Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Body {
    #[expect(clippy::rc_buffer, reason = "it grows, and most states share it")]
    File(Arc<Vec<u8>>),
    Directory(BTreeMap<OsString, Id>),
    Link(PathBuf),
}

/// A name in a directory.
pub(crate) type Entry = (Id, OsString);

/// What the disk can keep or lose as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A name for a node, which is new or has others.
    Link {
        entry: Entry,
        node: Id,
    },
    /// A name less.
    Unlink {
        entry: Entry,
        node: Id,
    },
    /// Another name for a node; what had that name loses it.
    Move {
        from: Entry,
        to: Entry,
        node: Id,
    },
    /// Two names change places; afterwards the first leads to the first node.
    Exchange {
        one: (Entry, Id),
        two: (Entry, Id),
    },
    /// The length of a file, without its bytes.
    Size {
        node: Id,
        length: usize,
    },
    /// Bytes of a file.
    Data {
        node: Id,
        offset: usize,
        bytes: Vec<u8>,
    },
    Mode {
        node: Id,
        mode: u32,
    },
    Owner {
        node: Id,
        owner: (u32, u32),
    },
    Attribute {
        node: Id,
        name: OsString,
        value: Option<Vec<u8>>,
    },
}

impl Change {
    /// The nodes that have to be synced for the change to last, each by itself.
    pub(crate) fn touches(&self) -> Vec<Id> {
        match self {
            Self::Link { entry, .. } | Self::Unlink { entry, .. } => vec![entry.0],
            Self::Move { from, to, .. } => vec![from.0, to.0],
            Self::Exchange { one, two } => vec![one.0.0, two.0.0],
            Self::Size { node, .. }
            | Self::Data { node, .. }
            | Self::Mode { node, .. }
            | Self::Owner { node, .. }
            | Self::Attribute { node, .. } => vec![*node],
        }
    }

    /// The node whose content, mode or attributes change.
    pub(crate) fn content_of(&self) -> Option<Id> {
        match self {
            Self::Link { .. } | Self::Unlink { .. } | Self::Move { .. } | Self::Exchange { .. } => {
                None
            }
            Self::Size { node, .. }
            | Self::Data { node, .. }
            | Self::Mode { node, .. }
            | Self::Owner { node, .. }
            | Self::Attribute { node, .. } => Some(*node),
        }
    }
}

/// All nodes, reachable or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) nodes: BTreeMap<Id, Node>,
}

impl Image {
    /// The directory `top` with all that is in it; hard links are one node.
    pub(crate) fn read(top: &Path) -> Outcome<Self> {
        let mut image = Self {
            nodes: BTreeMap::new(),
        };
        image.take(top, &mut BTreeMap::new())?;
        Ok(image)
    }

    fn take(&mut self, path: &Path, known: &mut BTreeMap<u64, Id>) -> Outcome<Id> {
        let facts = fs::symlink_metadata(path).map_err(at(path))?;
        if let Some(id) = known.get(&facts.ino()) {
            return Ok(*id);
        }
        let id = known.len();
        known.insert(facts.ino(), id);
        let body = if facts.is_dir() {
            let mut entries = BTreeMap::new();
            for entry in fs::read_dir(path).map_err(at(path))? {
                let entry = entry.map_err(at(path))?;
                entries.insert(entry.file_name(), self.take(&entry.path(), known)?);
            }
            Body::Directory(entries)
        } else if facts.is_symlink() {
            Body::Link(fs::read_link(path).map_err(at(path))?)
        } else {
            Body::File(Arc::new(fs::read(path).map_err(at(path))?))
        };
        let attributes = attributes::read(path)?;
        let modified = Some((facts.mtime(), facts.mtime_nsec()));
        let mode = facts.permissions().mode() & 0o7777;
        self.nodes.insert(
            id,
            Node {
                body,
                mode,
                owner: (facts.uid(), facts.gid()),
                modified,
                attributes,
            },
        );
        Ok(id)
    }

    /// The node that a path from the top leads to.
    pub(crate) fn find(&self, path: &Path) -> Option<Id> {
        path.components().try_fold(TOP, |node, part| match part {
            Component::Normal(name) => self.entries(node)?.get(name).copied(),
            Component::CurDir => Some(node),
            Component::RootDir | Component::ParentDir | Component::Prefix(_) => None,
        })
    }

    /// The directory of a path's last name, and that name.
    pub(crate) fn entry(&self, path: &Path) -> Option<Entry> {
        Some((self.find(path.parent()?)?, path.file_name()?.to_owned()))
    }

    fn entries(&self, directory: Id) -> Option<&BTreeMap<OsString, Id>> {
        match &self.nodes.get(&directory)?.body {
            Body::Directory(entries) => Some(entries),
            Body::File(_) | Body::Link(_) => None,
        }
    }

    /// How long a file is.
    pub(crate) fn length(&self, node: Id) -> usize {
        match self.nodes.get(&node).map(|node| &node.body) {
            Some(Body::File(bytes)) => bytes.len(),
            Some(Body::Directory(_) | Body::Link(_)) | None => 0,
        }
    }

    /// Lets a change happen; `born` are the nodes that began to be after the image was read.
    pub(crate) fn apply(&mut self, change: &Change, born: &BTreeMap<Id, Node>) {
        match change {
            Change::Link { entry, node } => self.name(entry, *node, born),
            // Only an empty directory can be removed; where a removal in it was lost, its own is lost too.
            Change::Unlink { node, .. }
                if self
                    .entries(*node)
                    .is_some_and(|entries| !entries.is_empty()) => {}
            Change::Unlink { entry, node } => self.unname(entry, *node),
            Change::Move { from, to, node } => {
                self.unname(from, *node);
                self.name(to, *node, born);
            }
            Change::Exchange { one, two } => {
                self.name(&one.0, one.1, born);
                self.name(&two.0, two.1, born);
            }
            Change::Size { node, length } => {
                self.file(*node, born, |bytes| bytes.resize(*length, 0));
            }
            Change::Data {
                node,
                offset,
                bytes: new,
            } => self.file(*node, born, |bytes| {
                let end = offset + new.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[*offset..end].copy_from_slice(new);
            }),
            Change::Mode { node, mode } => self.node(*node, born, |node| node.mode = *mode),
            Change::Owner { node, owner } => self.node(*node, born, |node| node.owner = *owner),
            Change::Attribute { node, name, value } => self.node(*node, born, |node| match value {
                Some(value) => drop(node.attributes.insert(name.clone(), value.clone())),
                None => drop(node.attributes.remove(name)),
            }),
        }
    }

    fn node(&mut self, id: Id, born: &BTreeMap<Id, Node>, change: impl FnOnce(&mut Node)) {
        if !self.nodes.contains_key(&id) {
            self.nodes
                .extend(born.get(&id).map(|node| (id, node.clone())));
        }
        if let Some(node) = self.nodes.get_mut(&id) {
            change(node);
        }
    }

    fn file(&mut self, id: Id, born: &BTreeMap<Id, Node>, change: impl FnOnce(&mut Vec<u8>)) {
        self.node(id, born, |node| {
            node.modified = None;
            if let Body::File(bytes) = &mut node.body {
                change(Arc::make_mut(bytes));
            }
        });
    }

    fn name(&mut self, (directory, name): &Entry, node: Id, born: &BTreeMap<Id, Node>) {
        self.node(node, born, |_| {});
        self.node(*directory, born, |directory| {
            if let Body::Directory(entries) = &mut directory.body {
                entries.insert(name.clone(), node);
            }
        });
    }

    /// Takes a name away if it still leads to the node.
    fn unname(&mut self, (directory, name): &Entry, node: Id) {
        if let Some(Node {
            body: Body::Directory(entries),
            ..
        }) = self.nodes.get_mut(directory)
            && entries.get(name) == Some(&node)
        {
            entries.remove(name);
        }
    }

    /// A number that two trees share only if they are the same, where `touched` are the only nodes
    /// whose content can differ.
    pub(crate) fn print(&self, touched: &[Id]) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.print_node(TOP, touched, &mut hasher);
        hasher.finish()
    }

    fn print_node(&self, id: Id, touched: &[Id], hasher: &mut DefaultHasher) {
        let Some(node) = self.nodes.get(&id) else {
            return;
        };
        if let Body::Directory(entries) = &node.body {
            (entries.len(), node.mode, node.owner).hash(hasher);
            for (name, child) in entries {
                name.hash(hasher);
                self.print_node(*child, touched, hasher);
            }
        } else {
            id.hash(hasher);
            if touched.contains(&id) {
                (&node.body, node.mode, node.owner, &node.attributes).hash(hasher);
            }
        }
    }

    /// The first path at which two trees differ, and what of it; times are not looked at.
    pub(crate) fn difference(&self, other: &Self) -> Option<String> {
        self.differs((TOP, other, TOP), Path::new("."))
    }

    fn differs(&self, (mine, other, theirs): (Id, &Self, Id), path: &Path) -> Option<String> {
        let (one, two) = (self.nodes.get(&mine)?, other.nodes.get(&theirs)?);
        let differ = |what: &str| Some(format!("{}: {what}", path.display()));
        if (one.mode, one.owner, &one.attributes) != (two.mode, two.owner, &two.attributes) {
            return differ(&format!(
                "{:o} {:?} {:?}, and {:o} {:?} {:?}",
                one.mode, one.owner, one.attributes, two.mode, two.owner, two.attributes
            ));
        }
        match (&one.body, &two.body) {
            (Body::Directory(one), Body::Directory(two)) if one.keys().eq(two.keys()) => one
                .iter()
                .zip(two.values())
                .find_map(|((name, mine), theirs)| {
                    self.differs((*mine, other, *theirs), &path.join(name))
                }),
            (Body::Directory(one), Body::Directory(two)) => {
                differ(&format!("{:?}, and {:?}", one.keys(), two.keys()))
            }
            (Body::File(_) | Body::Link(_), _) if one.body == two.body => None,
            (Body::Directory(_) | Body::File(_) | Body::Link(_), _) => differ("another content"),
        }
    }

    /// Writes what is reachable to `top`, which is an empty directory.
    pub(crate) fn write(&self, top: &Path) -> Outcome {
        self.put(TOP, top, &mut BTreeMap::new())
    }

    fn put(&self, id: Id, path: &Path, written: &mut BTreeMap<Id, PathBuf>) -> Outcome {
        let node = self
            .nodes
            .get(&id)
            .ok_or_else(|| format!("the model has lost node {id}"))?;
        if let (Some(first), Body::File(_)) = (written.get(&id), &node.body) {
            return fs::hard_link(first, path).map_err(at(path));
        }
        written.insert(id, path.to_owned());
        match &node.body {
            Body::Link(target) => return symlink(target, path).map_err(at(path)),
            Body::File(bytes) => fs::write(path, bytes.as_slice()).map_err(at(path))?,
            Body::Directory(entries) => {
                if id != TOP {
                    fs::create_dir(path).map_err(at(path))?;
                }
                for (name, child) in entries {
                    self.put(*child, &path.join(name), written)?;
                }
            }
        }
        attributes::write(path, node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(body: Body) -> Node {
        Node {
            body,
            mode: 0o755,
            owner: (0, 0),
            modified: None,
            attributes: BTreeMap::new(),
        }
    }

    fn file(text: &str) -> Node {
        node(Body::File(Arc::new(text.into())))
    }

    fn entry(directory: Id, name: &str) -> Entry {
        (directory, name.into())
    }

    /// `a` and `d/b`.
    fn image() -> Image {
        let top = Body::Directory(BTreeMap::from([("a".into(), 1), ("d".into(), 2)]));
        let below = Body::Directory(BTreeMap::from([("b".into(), 3)]));
        Image {
            nodes: BTreeMap::from([
                (TOP, node(top)),
                (1, file("a")),
                (2, node(below)),
                (3, file("b")),
            ]),
        }
    }

    fn paths(image: &Image) -> Vec<String> {
        let home = tempfile::tempdir().expect("a temporary directory");
        let mut image = image.clone();
        for node in image.nodes.values_mut() {
            node.owner = (
                rustix::process::geteuid().as_raw(),
                rustix::process::getegid().as_raw(),
            );
        }
        image.write(home.path()).expect("written");
        let tree = crate::tree::read(home.path(), &[]).expect("read");
        tree.into_iter()
            .map(|(path, file)| format!("{path}={}", String::from_utf8_lossy(&file.bytes)))
            .collect()
    }

    #[test]
    fn a_rename_whose_file_was_never_linked_still_names_it() {
        let (mut image, born) = (image(), BTreeMap::from([(4, file(""))]));
        image.apply(
            &Change::Move {
                from: entry(2, "slot"),
                to: entry(TOP, "new"),
                node: 4,
            },
            &born,
        );
        assert_eq!(paths(&image), ["a=a", "d/b=b", "new="]);
    }

    #[test]
    fn what_is_in_a_lost_directory_is_lost() {
        let (mut image, born) = (
            image(),
            BTreeMap::from([(4, node(Body::Directory(BTreeMap::new()))), (5, file(""))]),
        );
        image.apply(
            &Change::Link {
                entry: entry(4, "deep"),
                node: 5,
            },
            &born,
        );
        assert_eq!(paths(&image), ["a=a", "d/b=b"]);
        image.apply(
            &Change::Link {
                entry: entry(TOP, "e"),
                node: 4,
            },
            &born,
        );
        assert_eq!(paths(&image), ["a=a", "d/b=b", "e/deep="]);
    }

    #[test]
    fn an_exchange_lets_both_names_lead_to_the_others_node() {
        let mut image = image();
        let (one, two) = ((entry(TOP, "a"), 3), (entry(2, "b"), 1));
        image.apply(&Change::Exchange { one, two }, &BTreeMap::new());
        assert_eq!(paths(&image), ["a=b", "d/b=a"]);
    }

    #[test]
    fn bytes_whose_beginning_was_lost_follow_a_hole() {
        let mut image = image();
        image.apply(
            &Change::Data {
                node: 1,
                offset: 2,
                bytes: b"cd".into(),
            },
            &BTreeMap::new(),
        );
        assert_eq!(paths(&image), ["a=a\0cd", "d/b=b"]);
    }

    #[test]
    fn a_directory_that_is_not_empty_keeps_its_name() {
        let mut image = image();
        image.apply(
            &Change::Unlink {
                entry: entry(TOP, "d"),
                node: 2,
            },
            &BTreeMap::new(),
        );
        assert_eq!(paths(&image), ["a=a", "d/b=b"]);
        image.apply(
            &Change::Move {
                from: entry(TOP, "d"),
                to: entry(TOP, "e"),
                node: 2,
            },
            &BTreeMap::new(),
        );
        assert_eq!(paths(&image), ["a=a", "e/b=b"], "but it can be renamed");
    }

    #[test]
    fn two_trees_have_one_print_only_if_they_are_the_same() {
        let (first, mut second) = (image(), image());
        assert_eq!(first.print(&[1]), second.print(&[1]));
        second.apply(
            &Change::Mode {
                node: 1,
                mode: 0o600,
            },
            &BTreeMap::new(),
        );
        assert_ne!(first.print(&[1]), second.print(&[1]));
        assert!(
            first
                .difference(&second)
                .is_some_and(|said| said.starts_with("./a: "))
        );
        assert_eq!(first.difference(&first), None);
    }

    #[test]
    fn what_is_read_and_written_is_the_same_tree() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let (one, two) = (home.path().join("one"), home.path().join("two"));
        for directory in [&one, &two] {
            fs::create_dir(directory).expect("made");
        }
        fs::write(one.join("a"), "a").expect("written");
        fs::hard_link(one.join("a"), one.join("b")).expect("linked");
        symlink("a", one.join("l")).expect("linked");
        fs::set_permissions(one.join("a"), fs::Permissions::from_mode(0o640)).expect("set");
        let image = Image::read(&one).expect("read");
        image.write(&two).expect("written");
        assert_eq!(Image::read(&two).expect("read").difference(&image), None);
        let inode = |name| fs::metadata(two.join(name)).expect("there").ino();
        assert_eq!(inode("a"), inode("b"));
    }
}
