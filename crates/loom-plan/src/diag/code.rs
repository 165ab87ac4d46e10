//! The only list of codes. Each has a page in `docs/errors/`, which `loom explain CODE` prints.

use super::Severity;

/// Makes the enum, its texts and its pages from one list, so that none can lack a page.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal, $severity:ident;)+) => {
        /// What kind of finding a diagnostic is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code { $($(#[doc = $doc])+ $name,)+ }

        impl Code {
            /// All codes, in order.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Such as `LOOM0106`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// Whether it stops the run.
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity),+ }
            }

            /// The page that explains it, in Markdown.
            pub fn page(self) -> &'static str {
                match self { $(Self::$name => include_str!(concat!("../../../../docs/errors/", $text, ".md"))),+ }
            }
        }
    };
}

codes! {
    /// The text is not YAML or JSON.
    Syntax = "LOOM0101", Error;
    /// A key stands twice in one mapping.
    DuplicateKey = "LOOM0102", Error;
    /// Too large, too deep, or aliases that expand without bound.
    TooLarge = "LOOM0103", Error;
    /// The file is not UTF-8.
    NotUtf8 = "LOOM0104", Error;
    /// A file that the input names cannot be read.
    FileMissing = "LOOM0105", Error;
    /// A key that loom does not know, in a file that is loom's own.
    UnknownKey = "LOOM0106", Error;
    /// A value of another type than is expected.
    WrongType = "LOOM0107", Error;
    /// A required key is not there.
    MissingKey = "LOOM0108", Error;
    /// A value of the right type that is not one of those allowed.
    BadValue = "LOOM0109", Error;
    /// A plain `yes`, `no`, `on` or `off` was read as a string.
    PlainBoolean = "LOOM0110", Warning;
    /// A pattern of `stories` or `include` matches no file.
    NoMatch = "LOOM0111", Warning;
    /// The format version is newer than this loom.
    FormatVersion = "LOOM0112", Error;
    /// The project asks for another version of loom.
    Requires = "LOOM0116", Error;
    /// An environment that the project does not have.
    UnknownEnvironment = "LOOM0201", Error;
    /// A setting has no value for one of the environments.
    NoValueForEnvironment = "LOOM0202", Error;
    /// A name that stands for something else already.
    NameTaken = "LOOM0203", Error;
    /// Two values of the stack that cannot go together.
    StackDisagrees = "LOOM0204", Error;
    /// A literal that looks like a credential.
    Credential = "LOOM0205", Error;
    /// A service that the project does not have.
    UnknownService = "LOOM0206", Error;
    /// An entry of `policy.accept` that accepts nothing that there is, or says no reason.
    Acceptance = "LOOM0207", Error;
    /// An entry of `policy.accept` to which no finding belongs.
    AcceptsNothing = "LOOM0208", Warning;
    /// The file is none of the three story forms.
    StoryForm = "LOOM0301", Error;
    /// Two files hold the same story.
    StoryTwice = "LOOM0302", Error;
    /// A task depends on one that is not there.
    UnknownTask = "LOOM0303", Error;
    /// Tasks or artifacts wait for each other in a circle.
    Cycle = "LOOM0304", Error;
    /// No story of this code.
    UnknownStory = "LOOM0305", Error;
    /// Two different declarations of one address.
    DeclaredTwice = "LOOM0306", Error;
    /// A kind that does not exist.
    UnknownKind = "LOOM0401", Error;
    /// What a blueprint needs and nobody set.
    Missing = "LOOM0402", Error;
    /// The stack cannot serve the blueprint.
    StackCannot = "LOOM0403", Error;
    /// An address that nothing declares.
    UnknownAddress = "LOOM0404", Error;
    /// An attribute that the artifact does not publish.
    UnknownAttribute = "LOOM0405", Error;
    /// A text that looks like a reference and is not one.
    NearReference = "LOOM0406", Error;
    /// `with` names a part that the blueprint does not make.
    UnknownPart = "LOOM0407", Error;
    /// Two contributions to one shared file differ.
    ContributionsDiffer = "LOOM0408", Error;
    /// Two artifacts claim one path, or one lies below another.
    PathTaken = "LOOM0409", Error;
    /// Two strategies for one service.
    StrategiesDiffer = "LOOM0410", Error;
    /// A feature that this version does not have.
    NotSupported = "LOOM0411", Error;
    /// A template does not render.
    Template = "LOOM0412", Error;
    /// A setting cannot be written in the target's format.
    Unwritable = "LOOM0413", Error;
    /// `moved`, `removed` or `adopt` says something that cannot be.
    Refactoring = "LOOM0414", Error;
    /// A provider broke its contract: a bug in loom.
    Contract = "LOOM0415", Error;
    /// An artifact that would write into loom's own place.
    OwnPlace = "LOOM0416", Error;
    /// A part of a file that cannot be owned in its format.
    Part = "LOOM0418", Error;
    /// `delegate` names keys that the artifact does not write.
    NothingDelegated = "LOOM0419", Warning;
    /// `delegate` names a value that holds no version.
    DelegatedValue = "LOOM0420", Error;
    /// What was asked for could not be done here.
    Stopped = "LOOM0424", Error;
    /// An edit that is accepted cannot be read in its file's format.
    Unreadable = "LOOM0425", Error;
    /// An edit that is accepted holds what a merge leaves around a conflict.
    Markers = "LOOM0426", Error;
    /// An entry of `removed` that permits nothing, because it says no reason.
    NoReason = "LOOM0427", Warning;
    /// `with` would take out items of a list that it does not name.
    PatchLoses = "LOOM0431", Error;
    /// A managed path under a Git attribute that rewrites it.
    GitAttributes = "LOOM0501", Error;
    /// Git ignores the ledger.
    LedgerIgnored = "LOOM0502", Warning;
    /// A line of the ledger cannot be read.
    LedgerLine = "LOOM0503", Warning;
    /// The ledger was written by a newer loom.
    LedgerVersion = "LOOM0504", Error;
    /// Files carry loom's header and there is no ledger.
    LedgerMissing = "LOOM0505", Error;
    /// The ledger holds what a merge left.
    LedgerMerged = "LOOM0506", Warning;
    /// A managed path that Git ignores.
    PathIgnored = "LOOM0509", Warning;
    /// The text that an edit would be merged with is not known any more.
    BaseMissing = "LOOM0510", Error;
    /// A change where Git does not look at the disk.
    KeptAway = "LOOM0511", Error;
    /// Objects that a partial clone lacks.
    ObjectsLacking = "LOOM0512", Error;
    /// A file that is looked for at the top of a repository, below it.
    BelowTheTop = "LOOM0513", Error;
    /// A file beside a managed one with the same name in another spelling.
    Twin = "LOOM0514", Error;
    /// A path that Git ignores, where a commit needs it.
    IgnoredInCommit = "LOOM0515", Error;
    /// A saved plan that is truncated, edited or of a newer format.
    SavedPlan = "LOOM0601", Error;
    /// The plan is not the one that was approved.
    Stale = "LOOM0602", Error;
    /// A policy in `policy/` that cannot be read or evaluated.
    Policy = "LOOM0701", Error;
    /// A report of a scanner that cannot be read.
    Scan = "LOOM0702", Error;
    /// What a report of a scanner leaves open.
    ScanLeftOpen = "LOOM0703", Warning;
}

impl Code {
    /// The code of a text such as `LOOM0106`, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.as_str().eq_ignore_ascii_case(text))
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_of_its_own_and_reads_back() {
        for code in Code::ALL {
            assert!(
                code.page().starts_with(&format!("# {code}: ")),
                "{code}: the page's title must begin with its code"
            );
            let sections: Vec<&str> = code
                .page()
                .lines()
                .filter(|line| line.starts_with("## "))
                .collect();
            assert_eq!(
                sections,
                ["## What it means", "## An example", "## What to do"],
                "{code}"
            );
            assert!(
                code.page().contains("\n```"),
                "{code}: the example must be one that can be seen"
            );
            assert_eq!(Code::parse(&code.as_str().to_lowercase()), Some(*code));
        }
        assert!(
            Code::ALL
                .windows(2)
                .all(|pair| pair[0].as_str() < pair[1].as_str()),
            "codes must ascend"
        );
    }
}
