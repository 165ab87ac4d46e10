//! A saved plan: JSON Lines, complete in itself and sealed.
//!
//! In: a plan with the texts of its actions. Out: text, and back. The first line is the head
//! (`loom`, `format`, `digest`, `arguments`, `choices`), then one action a line with what stood there
//! and what will, then the seal (`actions`, `digest`, `blake3` of everything before it). A file that is
//! truncated, edited or of another format is refused, never applied in part.
//!
//! The seal tells a file that was cut off; it proves nothing, since everybody can make one. What binds
//! the file to its digest is that the digest is computed anew from the actions, and each text is held
//! against the hashes in them (test `nothing_in_a_plan_can_be_changed_under_its_digest`). A text that
//! cannot be held, because something in it is masked or left to somebody, says so, and whoever shows
//! the plan says it too ([`SavedPlan::unheld`]).

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::digest::{Choices, Covered};
use super::{Action, Conflicting, PartAction, Plan, Report, digest};
use crate::addr::ContentHash;
use crate::block;
use crate::check::accept::Exception;
use crate::diag::{Code, Diagnostic};
use crate::header::content_hash;
use crate::snapshot::{Content, Part};

/// The format that this loom reads and writes.
pub const FORMAT: u32 = 2;

/// The first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Head {
    loom: String,
    format: u32,
    digest: ContentHash,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exceptions: Vec<Exception>,
    arguments: Vec<String>,
    choices: Choices,
    skipped: Vec<Conflicting>,
    report: Report,
}

/// What is kept of a file's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Text {
    /// The whole content, as it is.
    Whole(String),
    /// The content with `*` in the place of what is hidden, or one whose hashes leave something out:
    /// nobody who has only this file can hold it against the digest.
    Unheld(String),
    /// It is not text.
    Binary,
}

impl Text {
    /// What is shown of it.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Whole(text) | Self::Unheld(text) => text.as_bytes(),
            // stands for itself: no text has it
            Self::Binary => b"\0",
        }
    }
}

/// A file before and after an action; `None` where there is none.
pub type Texts = (Option<Text>, Option<Text>);

/// One action and its bytes, which are text in every format that loom writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedAction {
    /// What is done.
    #[serde(flatten)]
    pub action: Action,
    /// What stood there; `None` where nothing did.
    pub old: Option<Text>,
    /// What will stand there; `None` where nothing will.
    pub new: Option<Text>,
}

/// The last line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Seal {
    actions: usize,
    digest: ContentHash,
    blake3: ContentHash,
}

/// A plan that was saved.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedPlan {
    /// The plan, without the ledger's part of it.
    pub plan: Plan,
    /// The choices of the run that made it, as they would be typed.
    pub arguments: Vec<String>,
    /// The same, as the digest covers them.
    pub choices: Choices,
    /// The texts of its actions, in order.
    pub contents: Vec<Texts>,
}

impl SavedPlan {
    /// The actions of which a text could not be held against the digest.
    pub fn unheld(&self) -> impl Iterator<Item = &Action> {
        let is_held = |text: &Option<Text>| matches!(text, None | Some(Text::Whole(_)));
        let pairs = self.plan.actions.iter().zip(&self.contents);
        pairs
            .filter(move |(_, (old, new))| !is_held(old) || !is_held(new))
            .map(|(action, _)| action)
    }
}

/// What stood at an action's path, and what will: the bytes, and what may be shown of them.
pub type Bytes<'a> = dyn Fn(&Action) -> [Option<Side>; 2] + 'a;

/// One side of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// What is there.
    pub bytes: Vec<u8>,
    /// The same without anything that must not be shown.
    pub shown: Vec<u8>,
}

/// Writes a plan with the choices that it was made with: as they would be typed, and as the digest
/// covers them.
///
/// # Errors
/// Those of `out`, and one for a plan without a digest, which nobody could approve.
pub fn write(
    plan: &Plan,
    (arguments, choices): (Vec<String>, Choices),
    bytes: &Bytes<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut sealed = Sealing {
        hasher: Vec::new(),
        out,
    };
    let Some(digest) = plan.digest else {
        return Err(io::Error::other("a plan that is denied is not saved"));
    };
    let head = Head {
        loom: "plan".to_owned(),
        format: FORMAT,
        digest,
        exceptions: plan.exceptions.clone(),
        arguments,
        choices,
        skipped: plan.skipped.clone(),
        report: plan.report.clone(),
    };
    sealed.line(&head)?;
    for action in &plan.actions {
        let [old, new] = bytes(action);
        sealed.line(&SavedAction {
            action: action.clone(),
            old: old.map(|side| kept(action, side, Moment::Before)),
            new: new.map(|side| kept(action, side, Moment::After)),
        })?;
    }
    let blake3 = ContentHash::of_parts(sealed.hasher.iter().map(|hash| &hash.as_bytes()[..]));
    let seal = Seal {
        actions: plan.actions.len(),
        digest,
        blake3,
    };
    sealed.line(&seal)
}

/// Which side of an action a text is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    Before,
    After,
}

impl Moment {
    /// The side whose hashes hold: an action that writes nothing leaves what was before.
    fn counts_for(self, action: &Action) -> Self {
        if action.verb.writes() {
            self
        } else {
            Self::Before
        }
    }

    fn of(self, part: &PartAction) -> Option<Content> {
        match self {
            Self::Before => part.before,
            Self::After => part.after,
        }
    }
}

/// A side as it is kept: whole where a reader can hold it against the digest.
fn kept(action: &Action, side: Side, moment: Moment) -> Text {
    let is_whole = side.bytes == side.shown;
    match String::from_utf8(side.shown) {
        Ok(text) if is_whole && fits(action, Some(&text), moment) => Text::Whole(text),
        Ok(text) => Text::Unheld(text),
        Err(_) => Text::Binary,
    }
}

/// Whether a text is what the parts of an action say by their hashes. A text that an action leaves as
/// it was is held as what was before.
fn fits(action: &Action, text: Option<&str>, moment: Moment) -> bool {
    let moment = moment.counts_for(action);
    action.parts.iter().all(|part| {
        // a whole file that other parts take over is no longer held as one; its decision would say so
        // too, but only what the digest covers may be asked here
        let is_taken_over =
            moment == Moment::After && part.part == Part::Whole && action.parts.len() > 1;
        is_taken_over || fits_part(action, part, text, moment)
    })
}

fn fits_part(action: &Action, part: &PartAction, text: Option<&str>, moment: Moment) -> bool {
    let wanted = moment.of(part).map(|content| content.hash);
    match &part.part {
        Part::Whole => {
            let path = match moment {
                Moment::Before => action.old_path(),
                Moment::After => &action.path,
            };
            let hash = text.map(|text| content_hash(text.as_bytes(), path));
            part.left_to.is_none() && hash == wanted
        }
        Part::Block(_) if part.was.is_some() && moment == Moment::Before => false,
        Part::Block(address) => {
            let body = block::comment_of(&action.path).and_then(|comment| {
                text.and_then(|text| block::find(text, comment, address).pair())
                    .map(|body| ContentHash::of(body.as_bytes()))
            });
            body == wanted
        }
        Part::Keys(_) => false,
    }
}

/// Why a text of a saved action cannot be what its hashes say; `None` where it can.
fn contradiction(saved: &SavedAction) -> Option<&'static str> {
    let sides = [
        (&saved.old, Moment::Before, "before"),
        (&saved.new, Moment::After, "after"),
    ];
    sides
        .into_iter()
        .find_map(|(text, moment, side)| match text {
            Some(Text::Whole(text)) => (!fits(&saved.action, Some(text), moment)).then_some(side),
            Some(Text::Unheld(_) | Text::Binary) => None,
            // a text that the hashes speak of cannot be left out
            None => {
                let moment = moment.counts_for(&saved.action);
                let is_there = |part: &PartAction| moment.of(part).is_some();
                saved.action.parts.iter().any(is_there).then_some(side)
            }
        })
}

/// Lines on their way out, each hashed.
struct Sealing<'a> {
    hasher: Vec<ContentHash>,
    out: &'a mut dyn Write,
}

impl Sealing<'_> {
    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string(value).map_err(io::Error::other)?;
        self.hasher.push(ContentHash::of(text.as_bytes()));
        writeln!(self.out, "{text}")
    }
}

/// Reads a saved plan.
///
/// # Errors
/// A [`Code::SavedPlan`] that says what is wrong with the file.
pub fn read(name: &str, text: &str) -> Result<SavedPlan, Diagnostic> {
    let refuse = |why: &str| {
        Diagnostic::new(Code::SavedPlan, format!("{name} {why}"))
            .help("make the plan again: loom plan --out FILE")
    };
    let (body, last) = text
        .trim_end_matches('\n')
        .rsplit_once('\n')
        .ok_or_else(|| refuse("is not a saved plan"))?;
    let mut lines = body.split('\n');
    let first = lines.next().unwrap_or_default();
    let format = serde_json::from_str::<serde_json::Value>(first)
        .ok()
        .filter(|head| head["loom"] == "plan");
    match format.as_ref().and_then(|head| head["format"].as_u64()) {
        None => return Err(refuse("is not a saved plan")),
        Some(format) if format > u64::from(FORMAT) => {
            return Err(refuse(&format!(
                "has the format {format}, and this loom reads the format {FORMAT}"
            ))
            .help("use a newer loom"));
        }
        Some(format) if format < u64::from(FORMAT) => {
            return Err(refuse(&format!(
                "has the format {format}, of an older loom, which does not hold what its digest covers"
            )));
        }
        Some(_) => {}
    }
    let head: Head =
        serde_json::from_str(first).map_err(|_| refuse("has a head that cannot be read"))?;
    let seal: Seal =
        serde_json::from_str(last).map_err(|_| refuse("is truncated: its last line is missing"))?;
    let hashes: Vec<ContentHash> = body
        .split('\n')
        .map(|line| ContentHash::of(line.as_bytes()))
        .collect();
    if ContentHash::of_parts(hashes.iter().map(|hash| &hash.as_bytes()[..])) != seal.blake3
        || seal.digest != head.digest
    {
        return Err(refuse("was edited after it was saved"));
    }
    let mut actions = Vec::new();
    let mut contents = Vec::new();
    for line in lines {
        let saved: SavedAction =
            serde_json::from_str(line).map_err(|_| refuse("has an action that cannot be read"))?;
        if let Some(side) = contradiction(&saved) {
            let path = &saved.action.path;
            return Err(refuse(&format!(
                "shows another text of {path} ({side}) than the one that its digest stands for: somebody changed it"
            )));
        }
        actions.push(saved.action);
        contents.push((saved.old, saved.new));
    }
    if actions.len() != seal.actions {
        return Err(refuse("does not hold all of its actions"));
    }
    let computed = digest::of_covered(actions.iter().map(Covered::from), &head.choices);
    let digest = digest::leaning_on(computed, &head.exceptions);
    if digest != head.digest {
        return Err(refuse(
            "does not do what its digest stands for: its actions or its choices were changed",
        ));
    }
    let plan = Plan {
        actions,
        digest: Some(digest),
        exceptions: head.exceptions,
        skipped: head.skipped,
        gone: Vec::new(),
        spends: BTreeMap::new(),
        report: head.report,
    };
    Ok(SavedPlan {
        plan,
        arguments: head.arguments,
        choices: head.choices,
        contents,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::{Address, RepoPath};
    use crate::plan::decide::{Creation, Decision};
    use crate::plan::{Cause, Expect, Verb};
    use crate::provider::Mode;

    fn saved() -> String {
        let after = Content {
            hash: ContentHash::of(b"x\n"),
            mode: Mode::Plain,
        };
        let part = PartAction {
            address: Address::parse("file.x").expect("an address"),
            part: Part::Whole,
            removes: Vec::new(),
            stays: Vec::new(),
            bytes: None,
            left_to: None,
            was: None,
            decision: Decision::Create(Creation::New),
            before: None,
            after: Some(after),
            causes: vec![Cause::BuiltIn],
        };
        let action = Action {
            path: RepoPath::new("x").expect("a path"),
            verb: Verb::Create,
            expect: Expect::Absent,
            parts: vec![part],
        };
        let choices = Choices {
            targets: vec![Address::parse("file.x").expect("an address")],
            ..Choices::default()
        };
        let plan = Plan {
            digest: Some(digest::of_covered([Covered::from(&action)], &choices)),
            actions: vec![action],
            exceptions: Vec::new(),
            skipped: Vec::new(),
            gone: Vec::new(),
            spends: BTreeMap::new(),
            report: Report::default(),
        };
        let mut out = Vec::new();
        let arguments = vec!["--target".to_owned(), "file.x".to_owned()];
        write(
            &plan,
            (arguments, choices),
            &|_| {
                let bytes = b"x\n".to_vec();
                [
                    None,
                    Some(Side {
                        shown: bytes.clone(),
                        bytes,
                    }),
                ]
            },
            &mut out,
        )
        .expect("memory takes all");
        String::from_utf8(out).expect("JSON is text")
    }

    /// The text with another seal, as everybody can make it.
    fn sealed_again(text: &str) -> String {
        let (body, last) = text.trim_end().rsplit_once('\n').expect("lines");
        let hashes: Vec<ContentHash> = body
            .split('\n')
            .map(|line| ContentHash::of(line.as_bytes()))
            .collect();
        let mut seal: Seal = serde_json::from_str(last).expect("a seal");
        let head: serde_json::Value =
            serde_json::from_str(body.split('\n').next().expect("a head")).expect("JSON");
        seal.digest =
            ContentHash::parse(head["digest"].as_str().expect("a digest")).expect("a hash");
        seal.actions = body.lines().count() - 1;
        seal.blake3 = ContentHash::of_parts(hashes.iter().map(|hash| &hash.as_bytes()[..]));
        format!("{body}\n{}\n", serde_json::to_string(&seal).expect("JSON"))
    }

    #[test]
    fn nothing_in_a_plan_can_be_changed_under_its_digest() {
        let text = saved();
        assert!(read("p", &sealed_again(&text)).is_ok(), "it is a seal");
        let other = ContentHash::of(b"y\n").to_string();
        let hash = ContentHash::of(b"x\n").to_string();
        let action = text.lines().nth(1).expect("an action");
        for (from, to) in [
            (r"x\n", r"y\n".to_owned()),
            (r#"{"whole":"x\n"}"#, "null".to_owned()),
            (hash.as_str(), other),
            (r#""path":"x""#, r#""path":"y""#.to_owned()),
            ("\"Plain\"", "\"Executable\"".to_owned()),
            (r#""verb":"Create""#, r#""verb":"Update""#.to_owned()),
            (r#""targets":["file.x"]"#, r#""targets":[]"#.to_owned()),
            (r#""conflicts":"block""#, r#""conflicts":"skip""#.to_owned()),
            (action, format!("{action}\n{action}")),
            (&format!("{action}\n"), String::new()),
        ] {
            let forged = text.replace(from, &to);
            assert_ne!(forged, text, "{from}");
            let found = read("p", &sealed_again(&forged)).expect_err(from);
            assert_eq!(found.code, Code::SavedPlan);
        }
    }

    #[test]
    fn a_text_that_is_masked_is_named_as_not_held() {
        let text = saved().replace(r#"{"whole":"x\n"}"#, r#"{"unheld":"*\n"}"#);
        let read = read("p", &sealed_again(&text)).expect("it may be masked");
        assert_eq!(read.unheld().count(), 1);
    }

    #[test]
    fn a_saved_plan_reads_back() {
        let text = saved();
        let read = read("plan.json", &text).expect("what was written is read");
        assert_eq!(read.contents, [(None, Some(Text::Whole("x\n".to_owned())))]);
        assert_eq!(read.unheld().count(), 0);
        assert_eq!(read.arguments, ["--target", "file.x"]);
        assert_eq!(read.plan.actions.len(), 1);
    }

    #[test]
    fn a_plan_that_was_truncated_edited_or_made_by_a_newer_loom_is_refused() {
        let text = saved();
        for length in 0..text.len() - 1 {
            assert!(read("p", &text[..length]).is_err(), "cut to {length} bytes");
        }
        let edited = text.replace("x\\n", "y\\n");
        assert_ne!(edited, text);
        assert!(read("p", &edited).is_err_and(|found| found.message.contains("edited")));
        for format in [1, 3] {
            let other = text.replace("\"format\":2", &format!("\"format\":{format}"));
            assert!(
                read("p", &other)
                    .is_err_and(|found| found.message.contains(&format!("format {format}")))
            );
        }
    }
}
