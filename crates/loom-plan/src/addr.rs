//! Names that cannot be wrong: paths, addresses and hashes.
//!
//! In: text. Out: a value whose constructor proved its form. Each type has private fields and one
//! fallible constructor, so that a function that takes one need not check again.
//!
//! Deliberately not here: whether a path exists, or whether a kind is known (`provider`).

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

/// A file's path below the repository's root: `/`-separated, relative, in normal form.
///
/// Holds no empty part, `.`, `..`, control character or backslash, nothing that any file system
/// folds to `.git`, no part longer than 255 bytes, and at most [`MAX_PATH`] bytes. The rules follow
/// Git's own `verify_path`, `is_ntfs_dotgit` and `next_hfs_char` (git.git, `read-cache.c`, `path.c`,
/// `utf8.c`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoPath(Arc<str>);

/// Why a text is not a path that loom may write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The text is empty.
    #[error("a path must not be empty")]
    Empty,
    /// The text begins with `/` or a drive letter.
    #[error("`{0}` is absolute: paths are relative to the repository's root")]
    Absolute(String),
    /// A part is empty, `.` or `..`.
    #[error("`{0}` has the part `{1}`: write the path without it")]
    Part(String, String),
    /// A control character or a backslash.
    #[error("`{0}` holds the character {1:?}, which a path may not hold")]
    Character(String, char),
    /// A part that some file system takes for `.git`.
    #[error("`{0}` leads into Git's own directory")]
    Git(String),
    /// A part is longer than file systems take.
    #[error("a part of `{0}` is longer than 255 bytes, which no file system takes")]
    Long(String),
    /// The whole is longer than the system takes.
    #[error("`{0}` is longer than {MAX_PATH} bytes, which the system does not take")]
    Deep(String),
}

/// The longest path in bytes: what Linux takes in one call (`PATH_MAX`, 4096), less the room that
/// loom's own names beside it need.
pub const MAX_PATH: usize = 4000;

/// The longest part of a path in bytes (`NAME_MAX`).
const MAX_PART: usize = 255;

impl RepoPath {
    /// Checks `text` and takes it as a path.
    ///
    /// # Errors
    /// [`PathError`] names the first rule that the text breaks.
    pub fn new(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.starts_with('/') || is_on_drive(text) {
            return Err(PathError::Absolute(shown(text)));
        }
        let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'\\';
        if !text.bytes().all(plain)
            && let Some(bad) = text.chars().find(|c| c.is_control() || *c == '\\')
        {
            return Err(PathError::Character(shown(text), bad));
        }
        if text.len() > MAX_PATH {
            return Err(PathError::Deep(shown(text)));
        }
        for part in text.split('/') {
            if matches!(part, "" | "." | "..") {
                return Err(PathError::Part(shown(text), part.to_owned()));
            }
            if part.len() > MAX_PART {
                return Err(PathError::Long(shown(text)));
            }
            if folds_to_git(part) {
                return Err(PathError::Git(shown(text)));
            }
        }
        Ok(Self(text.into()))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// What follows the last dot of the file's name, if anything does.
    pub fn extension(&self) -> Option<&str> {
        self.file_name()
            .rsplit_once('.')
            .map(|(_, extension)| extension)
    }

    /// The directory that holds the file; `None` at the root.
    pub fn parent(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(parent, _)| parent)
    }

    /// The path as a file system sees it that ignores case, normalisation and invisible characters.
    /// Two paths that fold to the same text can be one file on somebody's machine.
    pub fn folded(&self) -> String {
        folded(&self.0)
    }

    /// `text` seen from the directory that holds this file, in normal form.
    ///
    /// # Errors
    /// [`PathError`], as for [`RepoPath::new`]; `..` may climb as far as the root.
    pub fn sibling(&self, text: &str) -> Result<Self, PathError> {
        let mut parts: Vec<&str> = self
            .parent()
            .map_or(Vec::new(), |parent| parent.split('/').collect());
        for part in text.split('/') {
            match part {
                "." => {}
                ".." if parts.pop().is_none() => {
                    return Err(PathError::Part(text.to_owned(), part.to_owned()));
                }
                ".." => {}
                part => parts.push(part),
            }
        }
        if text.starts_with('/') {
            return Err(PathError::Absolute(text.to_owned()));
        }
        Self::new(&parts.join("/"))
    }
}

/// Whether a text begins with a drive, which on Windows may be any one character before a colon.
fn is_on_drive(text: &str) -> bool {
    text.chars().nth(1) == Some(':')
}

/// What a message shows of a path: nobody reads the middle of a long one.
fn shown(text: &str) -> String {
    const SIDE: usize = 60;
    if text.len() <= 4 * SIDE {
        return text.to_owned();
    }
    let (begin, end) = (
        text.floor_char_boundary(SIDE),
        text.ceil_char_boundary(text.len() - SIDE),
    );
    format!("{}…{}", &text[..begin], &text[end..])
}

/// Whether a part of a path names `.git` on HFS+, NTFS or a file system that ignores case.
fn folds_to_git(part: &str) -> bool {
    if part.is_ascii() && !part.starts_with(['.', 'g', 'G']) {
        return false;
    }
    let folded = folded(part);
    let stem = folded
        .split(':')
        .next()
        .unwrap_or("")
        .trim_end_matches([' ', '.']);
    stem == ".git" || stem == "git~1"
}

/// A text as a file system sees it that ignores case (ext4 with `casefold`, APFS, NTFS, vfat),
/// normalisation (APFS, HFS+) and invisible characters (ext4 with `casefold`, HFS+).
///
/// Lower, upper and lower again brings together whatever Unicode's full case folding does (`ß`,
/// `ẞ` and `SS`; `ς`, `σ` and `Σ`), and a little more (`ı` and `i`): a name too many that is refused
/// costs another name, one too few costs a file.
fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let seen = text.nfd().filter(|c| !is_invisible(*c));
    seen.flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfc()
        .collect()
}

/// Unicode's `Default_Ignorable_Code_Point` (DerivedCoreProperties.txt), and what HFS+ ignores.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}')
        || matches!(c, '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Paths compare as their texts do, so that a map of paths can be asked for a text.
impl Borrow<str> for RepoPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RepoPath {
    type Error = PathError;
    fn try_from(text: String) -> Result<Self, PathError> {
        Self::new(&text)
    }
}

impl From<RepoPath> for String {
    fn from(path: RepoPath) -> Self {
        path.0.as_ref().to_owned()
    }
}

/// A name of a project, service, environment or artifact: lower-case letters, digits and `-`,
/// beginning with a letter and not ending in `-`, at most 63 bytes (an RFC 1123 label).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Arc<str>);

/// Why a text is not a [`Name`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a name: use lower-case letters, digits and `-`, beginning with a letter, at most 63"
)]
pub struct NameError(String);

/// How long a name may be: as long as a label of DNS, which many names become.
pub const MAX_NAME: usize = 63;

impl Name {
    /// Checks `text` and takes it as a name.
    ///
    /// # Errors
    /// [`NameError`] says what a name may hold.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let letters = text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let begins = text.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
        if letters && begins && !text.ends_with('-') && text.len() <= MAX_NAME {
            Ok(Self(text.into()))
        } else {
            Err(NameError(text.to_owned()))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name with `_` for `-`: an identifier in Terraform, shell and most languages.
    pub fn identifier(&self) -> String {
        self.0.replace('-', "_")
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.as_ref().to_owned()
    }
}

/// What a declaration is called: `kind.name` or `kind.name[item]`.
///
/// The kind may itself hold dots (`kubernetes.manifest`), the name may not, so that the last dot
/// before the item divides them. `Ord` is by kind, then name, then item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    kind: Arc<str>,
    name: Name,
    item: Option<Name>,
}

/// Why a text is not an [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No dot between kind and name.
    #[error(
        "`{0}` is not an address: write KIND.NAME or KIND.NAME[ITEM], such as kubernetes.manifest.api[production]"
    )]
    Form(String),
    /// The name or the item is not a name.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl Address {
    /// An address from its parts.
    pub fn new(kind: &str, name: Name, item: Option<Name>) -> Self {
        Self {
            kind: kind.into(),
            name,
            item,
        }
    }

    /// Reads `kind.name` or `kind.name[item]`.
    ///
    /// # Errors
    /// [`AddressError`] when the form or one of the names is wrong.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let form = || AddressError::Form(text.to_owned());
        let (head, item) = match text.split_once('[') {
            None => (text, None),
            Some((head, rest)) => (head, Some(rest.strip_suffix(']').ok_or_else(form)?)),
        };
        let (kind, name) = head.rsplit_once('.').ok_or_else(form)?;
        let wellformed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
        if kind.is_empty() || kind.starts_with('.') || !kind.chars().all(wellformed) {
            return Err(form());
        }
        Ok(Self {
            kind: kind.into(),
            name: Name::new(name)?,
            item: item.map(Name::new).transpose()?,
        })
    }

    /// The kind, such as `kubernetes.manifest`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The name, such as `entity-api`.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The environment, service or list item, if the declaration is one of several.
    pub fn item(&self) -> Option<&Name> {
        self.item.as_ref()
    }

    /// The address of one item.
    #[must_use]
    pub fn with_item(&self, item: Option<Name>) -> Self {
        Self {
            item,
            ..self.clone()
        }
    }

    /// The address without its item: what all of its siblings share.
    #[must_use]
    pub fn family(&self) -> Self {
        Self {
            item: None,
            ..self.clone()
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind, self.name)?;
        self.item
            .as_ref()
            .map_or(Ok(()), |item| write!(f, "[{item}]"))
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;
    fn try_from(text: String) -> Result<Self, AddressError> {
        Self::parse(&text)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

/// The BLAKE3 hash of some content: 32 bytes, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentHash([u8; 32]);

/// A text that is not 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a hash of 64 hexadecimal digits")]
pub struct HashError(String);

impl ContentHash {
    /// Hashes `content`.
    pub fn of(content: &[u8]) -> Self {
        Self(*blake3::hash(content).as_bytes())
    }

    /// Hashes `parts` as if they were one text.
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(part);
        }
        Self(*hasher.finalize().as_bytes())
    }

    /// Reads 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`HashError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, HashError> {
        blake3::Hash::from_hex(text)
            .map(|hash| Self(*hash.as_bytes()))
            .map_err(|_| HashError(text.to_owned()))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first `digits` hexadecimal digits, for people and for the ledger's input lines.
    pub fn short(&self, digits: usize) -> String {
        let mut hex = self.to_string();
        hex.truncate(digits);
        hex
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", self.short(12))
    }
}

impl TryFrom<String> for ContentHash {
    type Error = HashError;
    fn try_from(text: String) -> Result<Self, HashError> {
        Self::parse(&text)
    }
}

impl From<ContentHash> for String {
    fn from(hash: ContentHash) -> Self {
        hash.to_string()
    }
}

/// Whether a text may be the code of a story, such as `ENT-001`.
pub fn is_story_code(text: &str) -> bool {
    let letters = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    letters
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.len() <= 64
        && !text.eq_ignore_ascii_case("project")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> PathError {
        RepoPath::new(text).expect_err(&format!("{text:?} was taken"))
    }

    #[test]
    fn paths_that_leave_the_repository_are_refused() {
        assert_eq!(refused(""), PathError::Empty);
        for bad in [
            "/etc/passwd",
            "/",
            "C:/x",
            "c:x",
            "1:x",
            "é:x",
            "//server/x",
        ] {
            assert!(matches!(refused(bad), PathError::Absolute(_)), "{bad:?}");
        }
        for bad in ["../x", "a/../b", "a/..", "a//b", "./a", "a/./b", "a/", "."] {
            assert!(matches!(refused(bad), PathError::Part(..)), "{bad:?}");
        }
        for bad in [
            "a\\b", "..\\x", "a\nb", "a\rb", "a\0b", "a\tb", "a\u{7f}b", "a\u{85}b",
        ] {
            assert!(matches!(refused(bad), PathError::Character(..)), "{bad:?}");
        }
        for good in [
            "a",
            ".github/workflows/ci.yml",
            ".gitignore",
            "a/b c/ü.txt",
            "git",
            "...",
            "..a",
            "ab:x",
            "日本",
        ] {
            assert_eq!(
                RepoPath::new(good).map(|path| path.to_string()),
                Ok(good.to_owned())
            );
        }
    }

    #[test]
    fn what_is_read_back_is_checked_again() {
        assert!(serde_json::from_str::<RepoPath>("\"a/b\"").is_ok());
        for bad in ["../x", "/x", ".git/config", "a/../b", ""] {
            assert!(
                serde_json::from_value::<RepoPath>(bad.into()).is_err(),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn git_is_refused_in_every_disguise() {
        let part = [
            ".git",
            ".GIT",
            ".gIt",
            ".git.",
            ".git ",
            ".git. . .",
            ".git...",
            "git~1",
            "GIT~1",
            "git~1.",
            "Git~1 ",
            ".git:x",
            ".git::$INDEX_ALLOCATION",
            ".git ::$INDEX_ALLOCATION",
            "git~1:x",
            ".g\u{200c}it",
            "\u{feff}.git",
            ".git\u{200d}",
            ".\u{202e}g\u{206f}it",
            ".gi\u{ad}t",
            ".git\u{fe0f}",
            ".\u{2060}git",
            ".G\u{200b}IT .",
            ".git\u{e0001}",
        ];
        for part in part {
            for path in [
                part.to_owned(),
                format!("{part}/config"),
                format!("a/{part}"),
                format!("a/{part}/hooks/x"),
            ] {
                assert!(matches!(refused(&path), PathError::Git(_)), "{path:?}");
            }
        }
        for good in [
            ".gitx",
            ".git-x",
            ".git_",
            "x.git",
            "git",
            "git~2",
            "git~10",
            ".gitmodules",
            "..git",
            ". git",
            ".g it",
            ".gît",
        ] {
            assert!(RepoPath::new(good).is_ok(), "{good:?} was refused");
        }
    }

    #[test]
    fn a_path_is_as_long_as_the_system_takes() {
        assert!(RepoPath::new(&"x".repeat(255)).is_ok());
        assert!(matches!(refused(&"x".repeat(256)), PathError::Long(_)));
        assert!(matches!(
            refused(&format!("a/{}/b", "ü".repeat(128))),
            PathError::Long(_)
        ));
        let deep = format!("{}end", "d/".repeat(MAX_PATH / 2 - 2));
        assert_eq!(
            (deep.len(), RepoPath::new(&deep).is_ok()),
            (MAX_PATH - 1, true)
        );
        let error = refused(&format!("{deep}xx"));
        assert!(matches!(error, PathError::Deep(_)));
        assert!(
            error.to_string().len() < 250 && error.to_string().contains('…'),
            "{error}"
        );
    }

    #[test]
    fn names_that_are_one_file_somewhere_fold_to_one_text() {
        let folded = |text: &str| {
            RepoPath::new(text)
                .map(|path| path.folded())
                .expect("a path")
        };
        for same in [
            ["docs/README.md", "docs/readme.MD", "DOCS/readme.md"],
            ["stra\u{df}e", "STRASSE", "stra\u{1e9e}e"],
            ["caf\u{e9}", "cafe\u{301}", "CAFE\u{301}"],
            ["\u{3c2}", "\u{3c3}", "\u{3a3}"],
            ["\u{fb01}n", "FIN", "f\u{131}n"],
            ["\u{1e69}", "s\u{307}\u{323}", "\u{17f}\u{323}\u{307}"],
            ["ab", "a\u{200b}b", "a\u{ad}B"],
            ["\u{212a}\u{2126}", "k\u{3c9}", "K\u{3a9}"],
        ] {
            assert_eq!(folded(same[0]), folded(same[1]), "{same:?}");
            assert_eq!(folded(same[0]), folded(same[2]), "{same:?}");
        }
        for [one, other] in [
            ["a", "b"],
            ["a", "\u{e4}"],
            ["a-b", "a_b"],
            ["\u{e9}", "\u{e8}"],
            ["a.b", "a/b"],
        ] {
            assert_ne!(folded(one), folded(other));
        }
    }

    #[test]
    fn a_sibling_is_seen_from_the_file() {
        let file = RepoPath::new("services/api/loom.yaml").expect("a path");
        assert_eq!(
            file.sibling("src/x").map(String::from),
            Ok("services/api/src/x".to_owned())
        );
        assert_eq!(
            file.sibling("../web").map(String::from),
            Ok("services/web".to_owned())
        );
        assert!(file.sibling("../../../x").is_err());
    }

    #[test]
    fn addresses_read_back_as_they_are_written() {
        for text in ["file.readme", "kubernetes.manifest.entity-api[production]"] {
            assert_eq!(
                Address::parse(text).map(|address| address.to_string()),
                Ok(text.to_owned())
            );
        }
        for bad in [
            "file",
            ".x",
            "file.X",
            "file.x[",
            "file.x[]",
            "file.x]",
            "file.x[A]",
            "fi le.x",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn hashes_read_back_as_they_are_written() {
        let hash = ContentHash::of(b"loom");
        assert_eq!(ContentHash::parse(&hash.to_string()), Ok(hash));
        assert_eq!(ContentHash::of_parts([&b"lo"[..], b"om"]), hash);
        assert!(ContentHash::parse("abc").is_err());
    }
}
