//! Merging owned keys: each by itself.
//!
//! In: three documents that hold the keys, and the paths that the ledger knows and that are desired.
//! Out: one document in loom's layout: what a person changed as it is written there, the rest as loom
//! renders it. What it does not hold is to go.
//!
//! A key that only one side changed, added or took out is as that side has it; one that both did the
//! same to is so. Anything else is a clash that names the key. The result is read again and must say,
//! key by key, what was worked out. Versions that are delegated are in none of the three sides.

use std::collections::{BTreeMap, BTreeSet};

use super::{Clash, Sides};
use crate::keys::delegate::{Left, without_versions_in};
use crate::keys::{Change, Format, KeyPath};

/// What of the documents counts.
#[derive(Clone, Copy)]
pub(crate) struct ByKeys<'a> {
    pub(crate) format: &'a dyn Format,
    /// The keys that the ledger knows.
    pub(crate) recorded: &'a [KeyPath],
    /// Those that are desired.
    pub(crate) desired: &'a [KeyPath],
    /// Those of them that stay as they are, whatever loom would write there.
    pub(crate) taken: &'a [KeyPath],
    /// Those whose versions somebody else keeps.
    pub(crate) left: Option<&'a Left>,
}

/// What a document says at each of the paths that it has.
type Values = BTreeMap<KeyPath, String>;

impl ByKeys<'_> {
    fn values<'a>(
        self,
        text: &str,
        paths: impl IntoIterator<Item = &'a KeyPath>,
    ) -> Result<Values, Vec<Clash>> {
        let data = self.format.read(text).map_err(|_| vec![Clash::Meaning])?;
        let data = without_versions_in(&data, self.left);
        Ok(paths
            .into_iter()
            .filter_map(|path| Some((path.clone(), data.get(path)?.canonical())))
            .collect())
    }
}

/// Merges.
///
/// # Errors
/// The keys that both changed in different ways.
pub(crate) fn by_keys(keys: ByKeys<'_>, sides: Sides<'_>) -> Result<String, Vec<Clash>> {
    let all: BTreeSet<&KeyPath> = keys.recorded.iter().chain(keys.desired).collect();
    let was = keys.values(sides.base, keys.recorded)?;
    let is = keys.values(sides.observed, all.iter().copied())?;
    let becomes = keys.values(sides.desired, keys.desired)?;
    let (mut meant, mut kept, mut gone, mut clashes) =
        (Values::new(), Vec::new(), Vec::new(), Vec::new());
    for path in all {
        let (was, is, becomes) = (was.get(path), is.get(path), becomes.get(path));
        let stays = keys.taken.contains(path);
        if is != becomes && was != is && was != becomes && !stays {
            clashes.push(Clash::Value(path.to_string()));
            continue;
        }
        let merged = if was == becomes || stays { is } else { becomes };
        match merged {
            Some(_) if merged != becomes => kept.push(path.clone()),
            None if becomes.is_some() => gone.push(path.clone()),
            Some(_) | None => {}
        }
        meant.extend(merged.map(|value| (path.clone(), value.clone())));
    }
    if !clashes.is_empty() {
        return Err(clashes);
    }
    let own = keys.format.extract(sides.observed, &kept);
    let wanted = if kept.is_empty() {
        None
    } else {
        Some(own.as_str())
    };
    let change = Change {
        wanted,
        unwanted: &gone,
        ..Change::default()
    };
    let edited = keys.format.edit(sides.desired, change);
    let text = edited.ok().and_then(|edited| edited.text);
    let text = text.ok_or_else(|| vec![Clash::Meaning])?;
    let said = keys.values(&text, keys.recorded.iter().chain(keys.desired))?;
    if said == meant {
        Ok(text)
    } else {
        Err(vec![Clash::Meaning])
    }
}
