//! What `loom doctor` found, in words: what it is, what that means, and what to do about it.
//!
//! In: findings. Out: a line for each, as text and as JSON. The schema is
//! `docs/schema/doctor-output.schema.json`.

use std::io::{self, Write};

use loom_apply::doctor::{Access, Finding, Holder, IndexHolder, Room, Spellings, Tried};
use loom_apply::machine::{Lasting, Opening};
use loom_apply::{Away, Ignored, Standing};
use loom_plan::addr::RepoPath;
use serde::Serialize;

use super::json::{self, FORMAT_VERSION};
use super::style::{Style, visible};
use crate::env::Colour;

/// One finding in words.
pub(crate) struct Line {
    check: &'static str,
    /// How good it is.
    pub(crate) standing: Standing,
    /// What is there, and what that means, as a sentence.
    found: String,
    /// What to do about it, as a sentence; empty where there is nothing to do.
    advice: String,
}

impl Line {
    fn new(
        check: &'static str,
        standing: Standing,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            check,
            standing,
            found: found.into(),
            advice: advice.into(),
        }
    }

    /// What `git --version` said, if there is a program to ask.
    pub(crate) fn of_git(version: Option<String>) -> Self {
        match version {
            Some(version) => Self::new(
                "git program",
                Standing::Fine,
                format!("{version} is on the PATH."),
                "",
            ),
            None => Self::new(
                "git program",
                Standing::Weaker,
                "There is no program `git` on the PATH. Loom needs none, but what it writes is meant to be committed.",
                "Install Git.",
            ),
        }
    }

    /// The declared files that are of no effect where they are.
    pub(crate) fn of_unread(paths: &[RepoPath]) -> Self {
        let check = "top of the repository";
        if paths.is_empty() {
            let found = "No declared file is one that programs look for somewhere else.";
            return Self::new(check, Standing::Fine, found, "");
        }
        let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
        Self::new(
            check,
            Standing::Missing,
            format!(
                "Programs look for these at the top of the repository only, and loom.yaml is below it: {}.",
                few(&paths)
            ),
            "Move loom.yaml to the top, or declare them in one that is there.",
        )
    }

    /// The files that the ledger names, or why it cannot be read.
    pub(crate) fn of_ledger(managed: &Result<Vec<RepoPath>, (String, String)>) -> Self {
        match managed {
            Ok(paths) => Self::new(
                "ledger",
                Standing::Fine,
                format!("It can be read; its records: {}.", paths.len()),
                "",
            ),
            Err((error, help)) => Self::new(
                "ledger",
                Standing::Missing,
                format!("Nothing can be planned: {error}."),
                format!("To go on, {help}."),
            ),
        }
    }
}

impl From<&Finding> for Line {
    fn from(finding: &Finding) -> Self {
        let (check, (found, advice)) = match finding {
            Finding::Kernel { release, opening } => ("kernel", kernel(release, *opening)),
            Finding::FileSystem { name, lasting } => ("file system", file_system(name, *lasting)),
            Finding::Private { place, access } => (
                "private place",
                private(&place.display().to_string(), access),
            ),
            Finding::Mount(tried) => ("mount", mount(tried)),
            Finding::Exchange { exchange, links } => ("exchange", exchange_of(exchange, links)),
            Finding::HardLinks(tried) => ("hard links", hard_links(tried)),
            Finding::Sync(tried) => ("syncfs", sync(tried)),
            Finding::ExtendedAttributes(tried) => ("extended attributes", extended(tried)),
            Finding::Case(spellings) => ("case of names", case(*spellings)),
            Finding::Normalisation(spellings) => ("form of names", form(*spellings)),
            Finding::GitDirectory(directory) => (
                "git directory",
                git(directory.as_ref().map(|path| path.display().to_string())),
            ),
            Finding::IndexLock(holder) => ("index.lock", index(*holder)),
            Finding::Rewritten(files) => {
                let files: Vec<String> = files
                    .iter()
                    .map(|it| format!("{} ({}, {}:{})", it.path, it.attribute, it.file, it.line))
                    .collect();
                ("git attributes", rewritten(&files))
            }
            Finding::Ignored(files) => ("ignored by git", ignored(files)),
            Finding::Away(files) => ("kept away by git", away(files)),
            Finding::Habits(habits) => ("git configuration", habits_of(habits)),
            Finding::Twins(pairs) => ("twins", twins(pairs)),
            Finding::Room(room) => ("room", room_of(*room)),
            Finding::Interrupted(ids) => ("interrupted runs", interrupted(ids)),
            Finding::Lock(holder) => ("lock", lock(holder)),
            Finding::History { entries, bytes } => ("history", history(*entries, *bytes)),
            Finding::Kept { place, names } => {
                ("kept files", kept(&place.display().to_string(), names))
            }
        };
        Self {
            check,
            standing: finding.standing(),
            found,
            advice: advice.to_owned(),
        }
    }
}

/// What is there, and what to do about it.
type Words = (String, &'static str);

fn fine(found: impl Into<String>) -> Words {
    (found.into(), "")
}

fn kernel(release: &str, opening: Opening) -> Words {
    match opening {
        Opening::Whole => fine(format!(
            "{release} opens a path without following links in one call (openat2)."
        )),
        Opening::Parts => (
            format!(
                "{release} has no openat2, or a sandbox refuses it: loom opens paths part by part, which is slower."
            ),
            "Use Linux 5.6 or newer, or let the sandbox allow openat2.",
        ),
    }
}

fn file_system(name: &str, lasting: Lasting) -> Words {
    match lasting {
        Lasting::Kept => fine(format!(
            "It is {name}: what loom made durable lasts through a power loss, if the disk keeps its word."
        )),
        Lasting::AsBelow => fine(format!(
            "It is {name}: what loom made durable lasts as it does on the file system below."
        )),
        Lasting::Untested => (
            format!(
                "It is {name}, on which loom was never tried: nobody knows whether it keeps a power loss from tearing files."
            ),
            "Use ext4, xfs or btrfs where that counts.",
        ),
        Lasting::UntilPowerLoss => (
            format!(
                "It is {name}, mounted so that it is not power-safe: loom withstands errors and kills here, and no power loss."
            ),
            "Keep nothing here that cannot be made again.",
        ),
        Lasting::Remote => (
            format!(
                "It is {name}, behind which another machine or program keeps the files: locks and renames are as good as theirs."
            ),
            "Let one machine at a time run loom here, or use a local disk.",
        ),
        Lasting::Simple => (
            format!(
                "It is {name}, which has no journal that loom was tried on: a power loss can tear files."
            ),
            "Use ext4, xfs or btrfs where that counts.",
        ),
    }
}

fn private(place: &str, access: &Access) -> Words {
    match access {
        Access::Mine => fine(format!(
            "{place} belongs to whoever runs loom, and nobody else may write there."
        )),
        Access::Shared => (
            format!(
                "{place} may be written by other users too: they can take away what loom would put back."
            ),
            "Forbid it with `chmod go-w`, if those users are not trusted with the repository.",
        ),
        Access::Foreign(owner) => (
            format!(
                "{place} belongs to another user (number {owner}): what their loom left, this one refuses to touch."
            ),
            "Run loom as that user.",
        ),
        Access::Shut(error) => (
            format!("Nothing can be written to {place}: {error}."),
            "Mount it writable, or see who owns it and run loom as that user.",
        ),
    }
}

fn mount(tried: &Tried) -> Words {
    match tried {
        Tried::Works => fine(
            "The repository and loom's private place are on one mount, so that files can be exchanged.",
        ),
        Tried::Lacking(error) => (
            format!(
                "The repository and loom's private place are on two mounts, and nothing can be applied: {error}."
            ),
            "Put both on one mount.",
        ),
    }
}

fn exchange_of(exchange: &Tried, links: &Tried) -> Words {
    match (exchange, links) {
        (Tried::Works, _) => fine("Two names can be exchanged in one step."),
        (Tried::Lacking(error), Tried::Works) => (
            format!(
                "Two names cannot be exchanged in one step ({error}): loom links the old file aside first, and an edit in \
                 the moment between is noticed only afterwards."
            ),
            "Do not edit managed files while loom applies.",
        ),
        (Tried::Lacking(error), Tried::Lacking(_)) => (
            format!(
                "Two names can neither be exchanged ({error}) nor linked: no file can be updated safely."
            ),
            "Use another file system.",
        ),
    }
}

fn hard_links(tried: &Tried) -> Words {
    match tried {
        Tried::Works => fine("A file can have two names: Git's lock is taken in one step."),
        Tried::Lacking(error) => (
            format!("A file cannot have two names ({error}): Git's lock is taken by a rename."),
            "Nothing has to be done.",
        ),
    }
}

fn sync(tried: &Tried) -> Words {
    match tried {
        Tried::Works => fine("Everything can be made durable in one call (syncfs)."),
        Tried::Lacking(error) => (
            format!(
                "Not everything can be made durable in one call ({error}): an apply of many files fails."
            ),
            "Apply with `--durability kill` where a power loss does not count.",
        ),
    }
}

fn extended(tried: &Tried) -> Words {
    match tried {
        Tried::Works => fine("Files can carry attributes of their own, and an update keeps them."),
        Tried::Lacking(error) => (
            format!("Files cannot carry attributes of their own here ({error})."),
            "Nothing has to be done, if nobody needs them.",
        ),
    }
}

fn case(spellings: Spellings) -> Words {
    match spellings {
        Spellings::Apart => fine("Upper and lower case make two names."),
        Spellings::Same => (
            "Upper and lower case make one name. Loom refuses a plan with two names that differ in nothing else.".to_owned(),
            "Mind it with files that loom does not manage.",
        ),
    }
}

fn form(spellings: Spellings) -> Words {
    match spellings {
        Spellings::Apart => fine("Names are taken to the byte."),
        Spellings::Same => (
            "The composed and the decomposed form of a letter, as in `é`, make one name."
                .to_owned(),
            "Use one of the two forms in the paths of artifacts.",
        ),
    }
}

fn git(directory: Option<String>) -> Words {
    match directory {
        Some(directory) => fine(format!("The repository's own is {directory}.")),
        None => (
            "This is no Git repository: there is no lock that keeps Git away, and no earlier version to compare with.".to_owned(),
            "Begin one with `git init`.",
        ),
    }
}

fn index(holder: IndexHolder) -> Words {
    match holder {
        IndexHolder::Nobody => fine("Nobody holds Git's lock on its index."),
        IndexHolder::Loom => fine("The loom that is at work holds Git's lock on its index."),
        IndexHolder::Killed => (
            "A loom that was killed left Git's lock on its index: Git refuses to commit until it is given back.".to_owned(),
            "Run `loom recover`, which gives it back.",
        ),
        IndexHolder::Git => (
            "A Git command holds Git's lock on its index, or one was killed: nothing can be applied as long as it is there."
                .to_owned(),
            "Wait for that command; if there is none, remove `index.lock` from Git's directory.",
        ),
    }
}

fn rewritten(files: &[String]) -> Words {
    if files.is_empty() {
        return fine("Git rewrites no managed file on its way in or out.");
    }
    (
        format!(
            "Git would rewrite managed files, so that loom cannot tell an edit from that: {}.",
            files.join(", ")
        ),
        "Take these files out of those attributes.",
    )
}

fn ignored(files: &[Ignored]) -> Words {
    if files.is_empty() {
        return fine("Git ignores no managed file, and not the ledger.");
    }
    let said = |it: &Ignored| format!("{} (`{}`, {}:{})", it.path, it.pattern, it.file, it.line);
    let files: Vec<String> = files.iter().map(said).collect();
    (
        format!(
            "Git ignores what loom writes, so that nobody else gets it: {}.",
            few(&files)
        ),
        "Take the pattern out, or except the files from it.",
    )
}

fn away(files: &[(RepoPath, Away)]) -> Words {
    if files.is_empty() {
        return fine("Git looks at every managed file.");
    }
    let of = |wanted: &[Away], what: &str| {
        let paths = files.iter().filter(|(_, away)| wanted.contains(away));
        let paths: Vec<String> = paths.map(|(path, _)| path.to_string()).collect();
        (!paths.is_empty()).then(|| format!("{what}: {}", few(&paths)))
    };
    let parts = [
        of(&[Away::NotCheckedOut], "not checked out"),
        of(&[Away::Outside], "outside of the sparse checkout"),
        of(&[Away::Skipped], "left out by skip-worktree"),
        of(&[Away::Assumed], "taken for unchanged by assume-unchanged"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (
        format!(
            "Git does not look at managed files on the disk; loom takes them from Git's index, and changes none of them. {}.",
            parts.join("; ")
        ),
        "Check them out with `git sparse-checkout add DIR` (`git update-index --no-skip-worktree` or `--no-assume-unchanged` for single files) before something there is to change.",
    )
}

fn habits_of(habits: &Result<Vec<String>, String>) -> Words {
    match habits {
        Ok(habits) if habits.is_empty() => {
            fine("Git's configuration changes nothing about files on their way in or out.")
        }
        Ok(habits) => fine(format!("In this clone {}.", habits.join("; "))),
        Err(why) => (
            format!("Git cannot be asked how it sees the files: {why}."),
            "Mend what `git status` says.",
        ),
    }
}

fn twins(pairs: &[(RepoPath, RepoPath)]) -> Words {
    if pairs.is_empty() {
        return fine("No file has the name of a managed one in another spelling.");
    }
    let pair = |(path, twin): &(RepoPath, RepoPath)| format!("{path} and {twin}");
    let pairs: Vec<String> = pairs.iter().map(pair).collect();
    (
        format!(
            "These are two files here, and one where case or the form of letters does not count: {}.",
            few(&pairs)
        ),
        "Remove the one that loom does not manage, or give the artifact another `path`.",
    )
}

fn room_of(room: Room) -> Words {
    let left = match room.files {
        Some(files) => format!("{} MiB and {files} files", room.bytes >> 20),
        None => format!("{} MiB", room.bytes >> 20),
    };
    match Finding::Room(room).standing() {
        Standing::Fine => fine("There is room for what loom writes."),
        Standing::Weaker | Standing::Missing => (
            format!(
                "The disk is nearly full ({left} are left): an apply that does not fit changes nothing, and fails."
            ),
            "Make room.",
        ),
    }
}

/// The first few of many, and how many there are.
fn few(texts: &[String]) -> String {
    match texts {
        [first, second, third, rest @ ..] if !rest.is_empty() => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        few => few.join(", "),
    }
}

fn interrupted(ids: &[u64]) -> Words {
    if ids.is_empty() {
        return fine("No run was interrupted in the middle of its changes.");
    }
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let (runs, were) = if ids.len() == 1 {
        ("run", "was")
    } else {
        ("runs", "were")
    };
    (
        format!(
            "The {runs} {} {were} interrupted in the middle: nothing else works until that is settled.",
            ids.join(", ")
        ),
        "Run `loom recover`, which puts everything back or finishes it.",
    )
}

fn lock(holder: &Holder) -> Words {
    match holder {
        Holder::Nobody => fine("No other loom is at work here."),
        Holder::Unknown => fine("The system does not tell whether another loom is at work here."),
        Holder::Process(process) => (
            format!("Another loom is at work here ({process})."),
            "Wait for it, or give `--lock-timeout` to the next command.",
        ),
    }
}

fn history(entries: usize, bytes: u64) -> Words {
    fine(format!(
        "Entries of the history: {entries}, which take up {} KiB.",
        bytes.div_ceil(1024)
    ))
}

fn kept(place: &str, names: &[String]) -> Words {
    if names.is_empty() {
        return fine(
            "Nobody changed a file while loom was at work, of which something had to be kept.",
        );
    }
    (
        format!(
            "Somebody changed files while loom was at work; what had to make way is kept in {place}: {}.",
            names.join(", ")
        ),
        "Take what is needed out of them, then remove them.",
    )
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Fine => "ok",
        Standing::Weaker => "weaker",
        Standing::Missing => "missing",
    }
}

/// Writes a line for each finding.
///
/// # Errors
/// Those of `out`.
pub(crate) fn text(lines: &[Line], colour: Colour, out: &mut dyn Write) -> io::Result<()> {
    let widest = lines.iter().map(|line| line.check.len()).max().unwrap_or(0);
    for line in lines {
        let style = match line.standing {
            Standing::Fine => Style::Added,
            Standing::Weaker => Style::Changed,
            Standing::Missing => Style::Removed,
        };
        let gap = " ".repeat("missing".len() - word(line.standing).len());
        let (standing, found) = (
            colour.paint(style, word(line.standing)),
            visible(&line.found),
        );
        writeln!(
            out,
            "{}",
            format!(
                "{standing}{gap}  {:<widest$}  {found} {}",
                line.check, line.advice
            )
            .trim_end()
        )?;
    }
    let count = |standing| {
        lines
            .iter()
            .filter(|line| line.standing == standing)
            .count()
    };
    let said = match (count(Standing::Missing), count(Standing::Weaker)) {
        (0, 0) => "Everything is as it should be.".to_owned(),
        (0, weaker) => format!("{weaker} weaker: loom works, and promises less there."),
        (missing, weaker) => format!(
            "{missing} missing, {weaker} weaker: loom does not work until what is missing is mended."
        ),
    };
    writeln!(out, "\n{}", colour.paint(Style::Strong, &said))
}

#[derive(Serialize)]
struct Document<'a> {
    format_version: &'static str,
    findings: Vec<Json<'a>>,
}

#[derive(Serialize)]
struct Json<'a> {
    check: String,
    standing: &'static str,
    found: &'a str,
    advice: Option<&'a str>,
}

/// Writes the findings for programs.
///
/// # Errors
/// Those of `out`.
pub(crate) fn json(lines: &[Line], out: &mut dyn Write) -> io::Result<()> {
    let findings = lines.iter().map(|line| Json {
        check: line.check.replace([' ', '.'], "_"),
        standing: word(line.standing),
        found: &line.found,
        advice: Some(line.advice.as_str()).filter(|advice| !advice.is_empty()),
    });
    json::write(
        &Document {
            format_version: FORMAT_VERSION,
            findings: findings.collect(),
        },
        out,
    )
}
