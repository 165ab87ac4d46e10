//! What one run did to a directory, as changes of the model and the syncs between them.
//!
//! In: the directory as it was, and the calls of the run in their order. Out: [`History`].
//!
//! Invariants: a call that changes something below the directory in a way that the model does not
//! know is an error, never ignored (test `a_call_that_the_model_does_not_know_is_an_error`); played in
//! full, the history leads to the tree that the run left (`replay` compares them for each recording).
//!
//! Deliberately not here: files that are mapped into memory and written there; loom maps none.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use super::image::{Body, Change, Entry, Id, Image, Node};
use super::trace::Call;
use crate::Outcome;

/// The calls that change something, or say where the next write goes.
pub(crate) const TRACED: &str = "open,openat,openat2,creat,read,lseek,dup,dup2,dup3,\
    write,pwrite64,writev,pwritev,pwritev2,truncate,ftruncate,fallocate,copy_file_range,sendfile,splice,\
    rename,renameat,renameat2,link,linkat,symlink,symlinkat,mknod,mknodat,unlink,unlinkat,rmdir,mkdir,mkdirat,\
    chmod,fchmod,fchmodat,chown,lchown,fchown,fchownat,utime,utimes,futimesat,utimensat,\
    setxattr,lsetxattr,fsetxattr,removexattr,lremovexattr,fremovexattr,\
    fsync,fdatasync,sync,syncfs,sync_file_range,msync";

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Change(Change),
    Sync(Sync),
}

/// What is made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sync {
    /// Everything: `syncfs`, `sync`.
    All,
    /// A file, or the names in a directory: `fsync`.
    Node(Id),
    /// The bytes of a file and its length: `fdatasync`.
    Data(Id),
}

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// The directory before.
    pub(crate) before: Image,
    /// What began to be, as empty as it was then.
    pub(crate) born: BTreeMap<Id, Node>,
    /// What happened, in order.
    pub(crate) events: Vec<Event>,
}

impl History {
    /// What the calls of a run did below `top`, which was its working directory and whose content was
    /// `before`; `umask` is what the run's new files are not given.
    pub(crate) fn of(top: &Path, before: Image, calls: &[Call], umask: u32) -> Outcome<Self> {
        let history = Self {
            before: before.clone(),
            born: BTreeMap::new(),
            events: Vec::new(),
        };
        let mut player = Player {
            top: top.to_owned(),
            live: before,
            positions: BTreeMap::new(),
            umask,
            history,
        };
        for call in calls {
            let Some(result) = call.result() else {
                continue;
            };
            player
                .play(call, result)
                .map_err(|message| format!("`{}` of the recorded run: {message}", call.name))?;
        }
        Ok(player.history)
    }

    /// The tree that is left when all events happened.
    pub(crate) fn after(&self) -> Image {
        let mut image = self.before.clone();
        for event in &self.events {
            if let Event::Change(change) = event {
                image.apply(change, &self.born);
            }
        }
        image
    }

    /// The nodes whose content may differ from one state to the next.
    pub(crate) fn touched(&self) -> Vec<Id> {
        let changes = self.events.iter().filter_map(|event| match event {
            Event::Change(change) => change.content_of(),
            Event::Sync(_) => None,
        });
        let mut touched: Vec<Id> = changes.chain(self.born.keys().copied()).collect();
        touched.sort_unstable();
        touched.dedup();
        touched
    }
}

/// Where the next write through a descriptor goes.
#[derive(Clone, Copy, Debug)]
enum Position {
    At(usize),
    End,
}

struct Player {
    top: PathBuf,
    live: Image,
    positions: BTreeMap<(u64, Id), Position>,
    umask: u32,
    history: History,
}

impl Player {
    fn play(&mut self, call: &Call, result: u64) -> Outcome {
        match call.name.as_str() {
            "open" => self.open(call, &self.plain(call, 0)?, 1, result),
            "openat" => self.open(call, &call.path(0)?, 2, result),
            "openat2" => self.open_second(call),
            "read" => self.advance(call, result),
            "lseek" => self.seek(call, result),
            "write" => self.write(call, None, result),
            "pwrite64" => self.write(call, Some(call.number(3)?), result),
            "ftruncate" => self.truncate(call),
            "rename" => self.rename(&self.plain(call, 0)?, &self.plain(call, 1)?),
            "renameat" => self.rename(&call.path(0)?, &call.path(2)?),
            "renameat2" if call.has(4, "RENAME_EXCHANGE") => {
                self.exchange(&call.path(0)?, &call.path(2)?)
            }
            "renameat2" => self.rename(&call.path(0)?, &call.path(2)?),
            "link" => self.link(&self.plain(call, 0)?, &self.plain(call, 1)?),
            "linkat" => self.link(&call.path(0)?, &call.path(2)?),
            "unlink" | "rmdir" => self.unlink(&self.plain(call, 0)?),
            "unlinkat" => self.unlink(&call.path(0)?),
            "mkdir" => self.make_directory(&self.plain(call, 0)?, call.number(1)?),
            "mkdirat" => self.make_directory(&call.path(0)?, call.number(2)?),
            "chmod" => self.mode(&self.plain(call, 0)?, call.number(1)?),
            "fchmod" => self.mode(&call.opened(0)?, call.number(1)?),
            "fchmodat" => self.mode(&call.path(0)?, call.number(2)?),
            "fchown" => self.owner(call),
            "fsetxattr" => self.attribute(call, Some(call.bytes(2)?)),
            "fremovexattr" => self.attribute(call, None),
            // No state depends on times: a replayed file has the time at which it is written.
            "utime" | "utimes" | "futimesat" | "utimensat" => Ok(()),
            "fsync" => self.sync(&call.opened(0)?, Sync::Node),
            "fdatasync" => self.sync(&call.opened(0)?, Sync::Data),
            "syncfs" if self.below(&call.opened(0)?).is_none() => Ok(()),
            "sync" | "syncfs" => {
                self.happen(Event::Sync(Sync::All));
                Ok(())
            }
            // It only begins to write.
            "sync_file_range" => Ok(()),
            _ => self.refuse(call),
        }
    }

    /// The path below the top; `None` where it is somewhere else, as pipes are.
    fn below(&self, path: &Path) -> Option<PathBuf> {
        path.strip_prefix(&self.top).ok().map(Path::to_path_buf)
    }

    /// A path argument that stands alone.
    fn plain(&self, call: &Call, index: usize) -> Outcome<PathBuf> {
        Ok(self.top.join(call.plain_path(index)?))
    }

    fn find(&self, path: &Path) -> Outcome<Option<Id>> {
        let Some(below) = self.below(path) else {
            return Ok(None);
        };
        let missing = || format!("`{}` is not in the model", below.display());
        self.live.find(&below).map(Some).ok_or_else(missing)
    }

    fn entry(&self, path: &Path) -> Outcome<Option<Entry>> {
        let Some(below) = self.below(path) else {
            return Ok(None);
        };
        let missing = || format!("the directory of `{}` is not in the model", below.display());
        self.live.entry(&below).map(Some).ok_or_else(missing)
    }

    fn happen(&mut self, event: Event) {
        if let Event::Change(change) = &event {
            self.live.apply(change, &self.history.born);
        }
        self.history.events.push(event);
    }

    fn change(&mut self, change: Change) {
        self.happen(Event::Change(change));
    }

    fn born(&mut self, body: Body, mode: u64) -> Outcome<Id> {
        let known = self.live.nodes.keys().chain(self.history.born.keys());
        let id = known.max().map_or(0, |last| last + 1);
        let owner = (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        );
        let mode = u32::try_from(mode).map_err(|_| format!("`{mode:o}` is no mode"))? & !self.umask;
        self.history.born.insert(
            id,
            Node {
                body,
                mode,
                owner,
                modified: None,
                attributes: BTreeMap::new(),
            },
        );
        Ok(id)
    }

    fn open(&mut self, call: &Call, path: &Path, flags: usize, descriptor: u64) -> Outcome {
        let Some(below) = self.below(path) else {
            return Ok(());
        };
        let id = match self.live.find(&below) {
            Some(id) => id,
            None if call.has(flags, "O_CREAT") => {
                let Some(entry) = self.entry(path)? else {
                    return Ok(());
                };
                let node = self.born(
                    Body::File(std::sync::Arc::default()),
                    call.number(flags + 1)?,
                )?;
                self.change(Change::Link { entry, node });
                node
            }
            // A link below the directory, or a name that is not there any more: nothing is written through it.
            None => return Ok(()),
        };
        if call.has(flags, "O_TRUNC") && self.live.length(id) > 0 {
            self.change(Change::Size {
                node: id,
                length: 0,
            });
        }
        let position = if call.has(flags, "O_APPEND") {
            Position::End
        } else {
            Position::At(0)
        };
        self.positions.insert((descriptor, id), position);
        Ok(())
    }

    /// `openat2` opens directories only.
    fn open_second(&self, call: &Call) -> Outcome {
        let changes = ["O_CREAT", "O_WRONLY", "O_RDWR", "O_TRUNC"]
            .iter()
            .any(|flag| call.argument(2).is_ok_and(|how| how.contains(flag)));
        if changes { self.refuse(call) } else { Ok(()) }
    }

    fn advance(&mut self, call: &Call, by: u64) -> Outcome {
        let (descriptor, by) = (
            call.descriptor(0)?,
            usize::try_from(by).map_err(|error| error.to_string())?,
        );
        let Some(id) = call
            .opened(0)
            .ok()
            .and_then(|path| self.live.find(&self.below(&path)?))
        else {
            return Ok(());
        };
        if let Some(Position::At(at)) = self.positions.get_mut(&(descriptor, id)) {
            *at += by;
        }
        Ok(())
    }

    fn seek(&mut self, call: &Call, to: u64) -> Outcome {
        let (descriptor, to) = (
            call.descriptor(0)?,
            usize::try_from(to).map_err(|error| error.to_string())?,
        );
        let Some(id) = call
            .opened(0)
            .ok()
            .and_then(|path| self.live.find(&self.below(&path)?))
        else {
            return Ok(());
        };
        if let Some(Position::At(at)) = self.positions.get_mut(&(descriptor, id)) {
            *at = to;
        }
        Ok(())
    }

    fn write(&mut self, call: &Call, offset: Option<u64>, written: u64) -> Outcome {
        let Ok(path) = call.opened(0) else {
            return Ok(());
        };
        let Some(id) = self.find(&path)? else {
            return Ok(());
        };
        let descriptor = call.descriptor(0)?;
        let mut bytes = call.bytes(1)?;
        bytes.truncate(usize::try_from(written).map_err(|error| error.to_string())?);
        let length = self.live.length(id);
        let at = match (offset, self.positions.get(&(descriptor, id))) {
            (Some(offset), _) => usize::try_from(offset).map_err(|error| error.to_string())?,
            (None, Some(Position::At(at))) => *at,
            (None, Some(Position::End)) => length,
            (None, None) => return Err(format!("nobody opened `{}`", path.display())),
        };
        let end = at + bytes.len();
        if let (None, Some(Position::At(at))) = (offset, self.positions.get_mut(&(descriptor, id)))
        {
            *at = end;
        }
        if end > length {
            self.change(Change::Size {
                node: id,
                length: end,
            });
        }
        // In two halves, so that a torn write is among the states.
        let second = bytes.split_off(bytes.len() / 2);
        let middle = at + bytes.len();
        for (offset, bytes) in [(at, bytes), (middle, second)] {
            if !bytes.is_empty() {
                self.change(Change::Data {
                    node: id,
                    offset,
                    bytes,
                });
            }
        }
        Ok(())
    }

    fn truncate(&mut self, call: &Call) -> Outcome {
        let Some(node) = self.find(&call.opened(0)?)? else {
            return Ok(());
        };
        let length = usize::try_from(call.number(1)?).map_err(|error| error.to_string())?;
        if length == self.live.length(node) {
            return Ok(());
        }
        self.change(Change::Size { node, length });
        Ok(())
    }

    fn rename(&mut self, from: &Path, to: &Path) -> Outcome {
        match (self.entry(from)?, self.entry(to)?, self.find(from)?) {
            (Some(from), Some(to), Some(node)) => {
                self.change(Change::Move { from, to, node });
                Ok(())
            }
            (None, None, _) => Ok(()),
            _ => Err("it crosses the border of the model".to_owned()),
        }
    }

    fn exchange(&mut self, one: &Path, two: &Path) -> Outcome {
        match (
            self.entry(one)?,
            self.find(one)?,
            self.entry(two)?,
            self.find(two)?,
        ) {
            (Some(one), Some(was_one), Some(two), Some(was_two)) => {
                self.change(Change::Exchange {
                    one: (one, was_two),
                    two: (two, was_one),
                });
                Ok(())
            }
            (None, _, None, _) => Ok(()),
            _ => Err("it crosses the border of the model".to_owned()),
        }
    }

    fn link(&mut self, from: &Path, to: &Path) -> Outcome {
        match (self.find(from)?, self.entry(to)?) {
            (Some(node), Some(entry)) => {
                self.change(Change::Link { entry, node });
                Ok(())
            }
            (None, None) => Ok(()),
            _ => Err("it crosses the border of the model".to_owned()),
        }
    }

    fn unlink(&mut self, path: &Path) -> Outcome {
        match (self.entry(path)?, self.find(path)?) {
            (Some(entry), Some(node)) => {
                self.change(Change::Unlink { entry, node });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn make_directory(&mut self, path: &Path, mode: u64) -> Outcome {
        let Some(entry) = self.entry(path)? else {
            return Ok(());
        };
        let node = self.born(Body::Directory(BTreeMap::new()), mode)?;
        self.change(Change::Link { entry, node });
        Ok(())
    }

    fn mode(&mut self, path: &Path, mode: u64) -> Outcome {
        let Some(node) = self.find(path)? else {
            return Ok(());
        };
        let mode = u32::try_from(mode).map_err(|_| format!("`{mode:o}` is no mode"))?;
        self.change(Change::Mode { node, mode });
        Ok(())
    }

    fn owner(&mut self, call: &Call) -> Outcome {
        let Some(node) = self.find(&call.opened(0)?)? else {
            return Ok(());
        };
        let number = |index| {
            call.number(index)
                .and_then(|number| u32::try_from(number).map_err(|error| error.to_string()))
        };
        let owner = (number(1)?, number(2)?);
        self.change(Change::Owner { node, owner });
        Ok(())
    }

    fn attribute(&mut self, call: &Call, value: Option<Vec<u8>>) -> Outcome {
        let Some(node) = self.find(&call.opened(0)?)? else {
            return Ok(());
        };
        let name = OsString::from_vec(call.bytes(1)?);
        self.change(Change::Attribute { node, name, value });
        Ok(())
    }

    fn sync(&mut self, path: &Path, sync: fn(Id) -> Sync) -> Outcome {
        let Some(node) = self.find(path)? else {
            return Ok(());
        };
        self.happen(Event::Sync(sync(node)));
        Ok(())
    }

    /// A call that the model does not know may only be about other places.
    fn refuse(&self, call: &Call) -> Outcome {
        let places: Vec<PathBuf> = (0..4)
            .flat_map(|index| [call.opened(index), self.plain(call, index)])
            .filter_map(Result::ok)
            .collect();
        if !places.is_empty() && places.iter().all(|path| self.below(path).is_none()) {
            return Ok(());
        }
        Err(
            "the model does not know this call; teach it what the call does (`replay/history.rs`)"
                .to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::crash::replay::image::TOP;
    use crate::crash::replay::trace::calls;

    /// The history of a run in `/r`, where `f` holds `old`: strace's own words, with strings in
    /// single quotes for readability.
    fn played(lines: &[&str]) -> Outcome<History> {
        let node = |body| Node {
            body,
            mode: 0o755,
            owner: (0, 0),
            modified: None,
            attributes: BTreeMap::new(),
        };
        let top = node(Body::Directory(BTreeMap::from([("f".into(), 1)])));
        let file = node(Body::File(std::sync::Arc::new(b"old".into())));
        let before = Image {
            nodes: BTreeMap::from([(TOP, top), (1, file)]),
        };
        let log = lines
            .iter()
            .map(|line| format!("1 {}", in_hex(line)))
            .collect::<Vec<_>>()
            .join("\n");
        History::of(Path::new("/r"), before, &calls(&log)?, 0o022)
    }

    fn in_hex(line: &str) -> String {
        let mut text = String::new();
        for (index, part) in line.split('\'').enumerate() {
            if index % 2 == 0 {
                text.push_str(part);
            } else {
                part.bytes()
                    .for_each(|byte| write!(text, r"\x{byte:02x}").expect("a string takes all"));
            }
        }
        text
    }

    fn content(history: &History, path: &str) -> (String, u32) {
        let after = history.after();
        let node = &after.nodes[&after.find(Path::new(path)).expect("it is there")];
        let Body::File(bytes) = &node.body else {
            panic!("{path} is no file")
        };
        (String::from_utf8_lossy(bytes).into_owned(), node.mode)
    }

    #[test]
    fn a_file_is_staged_written_and_exchanged() {
        let history = played(&[
            "mkdirat(3<'/r'>, \"'t'\", 0700) = 0",
            "openat(4<'/r/t'>, \"'0'\", O_RDWR|O_CREAT|O_EXCL, 0666) = 5<'/r/t/0'>",
            "write(5<'/r/t/0'>, \"'new'\", 3) = 3",
            "write(5<'/r/t/0'>, \"'er'\", 2) = 2",
            "renameat2(4<'/r/t'>, \"'0'\", 3<'/r'>, \"'f'\", RENAME_EXCHANGE) = 0",
            "fsync(5<'/r/f'>) = 0",
        ]);
        let history = history.expect("a history");
        assert_eq!(content(&history, "f"), ("newer".to_owned(), 0o644));
        assert_eq!(content(&history, "t/0"), ("old".to_owned(), 0o755));
        let last = history.events.last().expect("events");
        assert_eq!(
            *last,
            Event::Sync(Sync::Node(3)),
            "a descriptor follows its file"
        );
    }

    #[test]
    fn a_write_goes_where_the_descriptor_is() {
        let open = "openat(AT_FDCWD<'/r'>, \"'f'\", O_RDWR) = 5<'/r/f'>";
        let write = "write(5<'/r/f'>, \"'X'\", 1) = 1";
        let then = |lines: &[&str]| {
            content(&played(&[&[open], lines].concat()).expect("a history"), "f").0
        };
        assert_eq!(then(&[write]), "Xld");
        assert_eq!(then(&["read(5<'/r/f'>, \"'old'\", 9) = 3", write]), "oldX");
        assert_eq!(then(&["lseek(5<'/r/f'>, 1, SEEK_SET) = 1", write]), "oXd");
        assert_eq!(then(&["ftruncate(5<'/r/f'>, 0) = 0", write]), "X");
        assert_eq!(
            then(&["pwrite64(5<'/r/f'>, \"'YZ'\", 2, 2) = 2", write]),
            "XlYZ"
        );
    }

    #[test]
    fn what_happens_elsewhere_or_fails_is_no_event() {
        let history = played(&[
            "write(1<'pipe:[7]'>, \"'said'\", 4) = 4",
            "writev(1<'/dev/null'>, [{iov_base=\"'a'\", iov_len=1}], 1) = 1",
            "syncfs(3<'/elsewhere'>) = 0",
            "unlinkat(3<'/r'>, \"'f'\", 0) = -1 EPERM (Operation not permitted)",
        ]);
        assert_eq!(history.expect("a history").events, []);
    }

    #[test]
    fn a_call_that_the_model_does_not_know_is_an_error() {
        let line = "writev(5<'/r/f'>, [{iov_base=\"'a'\", iov_len=1}], 1) = 1";
        assert!(played(&[line]).is_err_and(|message| message.contains("does not know")));
        let line = "symlinkat(\"'f'\", 3<'/r'>, \"'l'\") = 0";
        assert!(played(&[line]).is_err_and(|message| message.contains("does not know")));
    }
}
