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

/// A file's path below the repository's root: `/`-separated, relative, in normal form.
///
/// Holds no empty part, `.`, `..`, control character or backslash, nothing that any file system
/// folds to `.git`, and no part longer than 255 bytes. The rules follow Git's own
/// `verify_path` and `is_ntfs_dotgit` (git.git, `read-cache.c`, `path.c`).
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
    #[error("a part of `{0}` is longer than 255 bytes")]
    Long(String),
}

impl RepoPath {
    /// Checks `text` and takes it as a path.
    ///
    /// # Errors
    /// [`PathError`] names the first rule that the text breaks.
    pub fn new(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.starts_with('/') || text.as_bytes().get(1) == Some(&b':') {
            return Err(PathError::Absolute(text.to_owned()));
        }
        let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'\\';
        if !text.bytes().all(plain)
            && let Some(bad) = text.chars().find(|c| c.is_control() || *c == '\\')
        {
            return Err(PathError::Character(text.to_owned(), bad));
        }
        for part in text.split('/') {
            if matches!(part, "" | "." | "..") {
                return Err(PathError::Part(text.to_owned(), part.to_owned()));
            }
            if part.len() > 255 {
                return Err(PathError::Long(text.to_owned()));
            }
            if folds_to_git(part) {
                return Err(PathError::Git(text.to_owned()));
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
        self.file_name().rsplit_once('.').map(|(_, extension)| extension)
    }

    /// The directory that holds the file; `None` at the root.
    pub fn parent(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(parent, _)| parent)
    }

    /// `text` seen from the directory that holds this file, in normal form.
    ///
    /// # Errors
    /// [`PathError`], as for [`RepoPath::new`]; `..` may climb as far as the root.
    pub fn sibling(&self, text: &str) -> Result<Self, PathError> {
        let mut parts: Vec<&str> = self.parent().map_or(Vec::new(), |parent| parent.split('/').collect());
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

/// Whether a part of a path names `.git` on HFS+, NTFS or a file system that ignores case.
fn folds_to_git(part: &str) -> bool {
    let ignorable =
        |c: char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    if part.is_ascii() && !part.starts_with(['.', 'g', 'G']) {
        return false;
    }
    let folded: String = part.chars().filter(|c| !ignorable(*c)).flat_map(char::to_lowercase).collect();
    let stem = folded.split(':').next().unwrap_or("").trim_end_matches([' ', '.']);
    stem == ".git" || stem == "git~1"
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
#[error("`{0}` is not a name: use lower-case letters, digits and `-`, beginning with a letter, at most 63")]
pub struct NameError(String);

impl Name {
    /// Checks `text` and takes it as a name.
    ///
    /// # Errors
    /// [`NameError`] says what a name may hold.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let letters = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let begins = text.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
        if letters && begins && !text.ends_with('-') && text.len() <= 63 {
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
    #[error("`{0}` is not an address: write KIND.NAME or KIND.NAME[ITEM], such as kubernetes.manifest.api[production]")]
    Form(String),
    /// The name or the item is not a name.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl Address {
    /// An address from its parts.
    pub fn new(kind: &str, name: Name, item: Option<Name>) -> Self {
        Self { kind: kind.into(), name, item }
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
        let wellformed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
        if kind.is_empty() || kind.starts_with('.') || !kind.chars().all(wellformed) {
            return Err(form());
        }
        Ok(Self { kind: kind.into(), name: Name::new(name)?, item: item.map(Name::new).transpose()? })
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

    /// The address without its item: what all of its siblings share.
    #[must_use]
    pub fn family(&self) -> Self {
        Self { item: None, ..self.clone() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind, self.name)?;
        self.item.as_ref().map_or(Ok(()), |item| write!(f, "[{item}]"))
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
        blake3::Hash::from_hex(text).map(|hash| Self(*hash.as_bytes())).map_err(|_| HashError(text.to_owned()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_the_repository_or_reach_git_are_refused() {
        for bad in [
            "",
            "/etc/passwd",
            "C:/x",
            "../x",
            "a/../b",
            "a//b",
            "./a",
            "a/",
            "a\\b",
            "a\nb",
            "a\0b",
            ".git/config",
            ".GIT/x",
            "a/.git/hooks/x",
            ".git./x",
            ".git /x",
            "git~1/x",
            "GIT~1",
            ".g\u{200c}it/x",
            ".git::$INDEX_ALLOCATION/x",
        ] {
            assert!(RepoPath::new(bad).is_err(), "{bad:?} was taken");
        }
        for good in ["a", ".github/workflows/ci.yml", ".gitignore", "a/b c/ü.txt", "git", ".gitx"] {
            assert_eq!(RepoPath::new(good).map(|path| path.to_string()), Ok(good.to_owned()));
        }
        assert_eq!(RepoPath::new(&"x".repeat(256)), Err(PathError::Long("x".repeat(256))));
    }

    #[test]
    fn a_sibling_is_seen_from_the_file() {
        let file = RepoPath::new("services/api/loom.yaml").expect("a path");
        assert_eq!(file.sibling("src/x").map(String::from), Ok("services/api/src/x".to_owned()));
        assert_eq!(file.sibling("../web").map(String::from), Ok("services/web".to_owned()));
        assert!(file.sibling("../../../x").is_err());
    }

    #[test]
    fn addresses_read_back_as_they_are_written() {
        for text in ["file.readme", "kubernetes.manifest.entity-api[production]"] {
            assert_eq!(Address::parse(text).map(|address| address.to_string()), Ok(text.to_owned()));
        }
        for bad in ["file", ".x", "file.X", "file.x[", "file.x[]", "file.x]", "file.x[A]", "fi le.x"] {
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
