use super::*;
use crate::env::Reader;
use loom_plan::diag::Code;
use loom_plan::text::SourceId;

fn span(sources: &Sources, source: SourceId, text: &str) -> Span {
    let start = sources
        .get(source)
        .text
        .find(text)
        .expect("the text is there");
    let at = |offset: usize| u32::try_from(offset).expect("a short text");
    Span {
        source,
        start: at(start),
        end: at(start + text.len()),
    }
}

fn said(found: &Diagnostics, sources: &Sources) -> String {
    let mut out = Vec::new();
    let stream = Stream {
        reader: Reader::Program,
        colour: Colour::Off,
        width: 100,
    };
    text(found, sources, stream, &mut out).expect("writing to memory cannot fail");
    String::from_utf8(out).expect("UTF-8")
}

fn all(found: impl IntoIterator<Item = Diagnostic>) -> Diagnostics {
    let mut all = Diagnostics::default();
    all.extend(found);
    all
}

/// Four findings in three files, not in their order.
fn four() -> (Sources, Diagnostics) {
    let mut sources = Sources::default();
    let project = sources.add(
        "loom.yaml",
        "loom: 1\nproject: entities\nservices:\n  entity-api:\n    prot: 3000\n    health: on\n",
    );
    let story = sources.add(
        "stories/ENT-001.yaml",
        "story: ENT-001\ntasks:\n  - id: T-015\n    dependencies: [T-999]\n",
    );
    let other = sources.add("stories/ENT-002.yaml", "story: ENT-001\n");
    let found = all([
        Diagnostic::new(Code::LedgerIgnored, "Git ignores the ledger")
            .help("remove `.loom` from .gitignore"),
        Diagnostic::new(Code::StoryTwice, "two files hold the story `ENT-001`")
            .at(span(&sources, story, "ENT-001"), "here")
            .at(span(&sources, other, "ENT-001"), "and here")
            .help("remove one of them, or give it a code of its own"),
        Diagnostic::new(
            Code::PlainBoolean,
            "`health`: the plain `on` was read as the text \"on\"",
        )
        .at(span(&sources, project, "on"), ""),
        Diagnostic::new(Code::UnknownKey, "`prot` is not a known key here")
            .at(span(&sources, project, "prot"), "")
            .help("did you mean `port`?"),
    ]);
    (sources, found)
}

#[test]
fn findings_are_shown_in_the_order_of_files_and_places_with_what_to_do() {
    let (sources, found) = four();
    insta::assert_snapshot!(said(&found, &sources), @r#"
    error LOOM0106

      × `prot` is not a known key here
       ╭─[loom.yaml:5:5]
     4 │   entity-api:
     5 │     prot: 3000
       ·     ────
     6 │     health: on
       ╰────
      help: did you mean `port`?

    warning LOOM0110

      ⚠ `health`: the plain `on` was read as the text "on"
       ╭─[loom.yaml:6:13]
     5 │     prot: 3000
     6 │     health: on
       ·             ──
       ╰────

    error LOOM0302

      × two files hold the story `ENT-001`
       ╭─[stories/ENT-001.yaml:1:8]
     1 │ story: ENT-001
       ·        ───┬───
       ·           ╰── here
     2 │ tasks:
       ╰────
      help: remove one of them, or give it a code of its own
      also: stories/ENT-002.yaml:1: and here

    warning LOOM0502

      ⚠ Git ignores the ledger
      help: remove `.loom` from .gitignore

    2 errors, 2 warnings
    "#);
}

#[test]
fn a_line_too_long_to_read_is_cut_around_the_place() {
    let mut sources = Sources::default();
    let line = format!(
        "{{{}\"status\": \"dnoe\"{}, \"end\": 1}}",
        "\"a\": 1, ".repeat(500),
        ", \"b\": 2".repeat(500)
    );
    let source = sources.add("stories/ENT-001.json", line);
    let found = all([
        Diagnostic::new(Code::BadValue, "`status`: `dnoe` is not known")
            .at(span(&sources, source, "\"dnoe\""), "expected a status")
            .at(span(&sources, source, "\"end\""), "far away"),
    ]);
    insta::assert_snapshot!(said(&found, &sources), @r#"
    error LOOM0109

      × `status`: `dnoe` is not known
       ╭─[stories/ENT-001.json:1:4012]
     1 │ ": 1, "a": 1, "a": 1, "a": 1, "status": "dnoe", "b": 2, "b": 2, "b": 2, "b": 2, "b": 2, "b
       ·                                         ───┬──
       ·                                            ╰── expected a status
       ╰────
      also: stories/ENT-001.json:1: far away

    1 error
    "#);
}

#[test]
fn a_place_of_many_lines_is_underlined_on_its_first() {
    let mut sources = Sources::default();
    let text = format!("services:\n  api:\n{}", "    x: 1\n".repeat(2000));
    let source = sources.add("loom.yaml", text.clone());
    let end = u32::try_from(text.len()).expect("short");
    let found = all([Diagnostic::new(Code::MissingKey, "`path` is missing").at(
        Span {
            source,
            start: 12,
            end,
        },
        "",
    )]);
    assert!(
        said(&found, &sources).lines().count() < 12,
        "{}",
        said(&found, &sources)
    );
}

#[test]
fn nothing_that_the_input_holds_can_command_the_terminal() {
    let mut sources = Sources::default();
    let source = sources.add(
        "a\u{1b}[2J.yaml",
        "key: \u{1b}]0;x\u{7}\u{9b}2J\u{202e}\r value\nnext\u{1b}: 1\n",
    );
    let found = all([Diagnostic::new(Code::BadValue, "`\u{1b}[31m` is bad")
        .at(span(&sources, source, "value"), "\u{1b}[5m")
        .help("\u{1b}c\nsecond line")]);
    let text = said(&found, &sources);
    assert!(
        !text.contains(|c: char| c != '\n' && crate::report::style::is_hidden(c)),
        "{text:?}"
    );
    assert!(
        text.contains("⟨U+001B ESCAPE⟩[31m") && text.contains("second line"),
        "{text}"
    );
}

#[test]
fn a_place_in_a_text_within_a_text_is_shown_where_a_person_can_open_it() {
    let mut sources = Sources::default();
    let outer = sources.add(
        "s.json",
        "{\n  \"description\": \"one\\nkind: pipelin\"\n}\n",
    );
    let raw = span(&sources, outer, "\"one\\nkind: pipelin\"");
    let inner = sources.add_embedded(raw, "one\nkind: pipelin");
    let found = all([
        Diagnostic::new(Code::UnknownKind, "there is no kind `pipelin`")
            .at(span(&sources, inner, "pipelin"), ""),
    ]);
    assert!(
        said(&found, &sources).contains("[s.json:2:30]"),
        "{}",
        said(&found, &sources)
    );
}

#[test]
fn an_empty_file_and_no_finding_at_all_are_no_trouble() {
    let mut sources = Sources::default();
    let source = sources.add("loom.yaml", "");
    let found =
        all(
            [
                Diagnostic::new(Code::MissingKey, "`loom` is missing")
                    .at(Span::start_of(source), ""),
            ],
        );
    assert!(said(&found, &sources).contains("`loom` is missing"));
    assert_eq!(said(&Diagnostics::default(), &sources), "");
}

#[test]
fn the_json_names_every_place_from_start_to_end() {
    let (sources, found) = four();
    let mut out = Vec::new();
    json(&found, &sources, &mut out).expect("writing to memory cannot fail");
    insta::assert_snapshot!(String::from_utf8_lossy(&out), @r#"
    {
      "format_version": "1.0",
      "diagnostics": [
        {
          "code": "LOOM0106",
          "severity": "error",
          "message": "`prot` is not a known key here",
          "labels": [
            {
              "file": "loom.yaml",
              "line": 5,
              "column": 5,
              "end_line": 5,
              "end_column": 9,
              "text": ""
            }
          ],
          "help": "did you mean `port`?"
        },
        {
          "code": "LOOM0110",
          "severity": "warning",
          "message": "`health`: the plain `on` was read as the text \"on\"",
          "labels": [
            {
              "file": "loom.yaml",
              "line": 6,
              "column": 13,
              "end_line": 6,
              "end_column": 15,
              "text": ""
            }
          ],
          "help": null
        },
        {
          "code": "LOOM0302",
          "severity": "error",
          "message": "two files hold the story `ENT-001`",
          "labels": [
            {
              "file": "stories/ENT-001.yaml",
              "line": 1,
              "column": 8,
              "end_line": 1,
              "end_column": 15,
              "text": "here"
            },
            {
              "file": "stories/ENT-002.yaml",
              "line": 1,
              "column": 8,
              "end_line": 1,
              "end_column": 15,
              "text": "and here"
            }
          ],
          "help": "remove one of them, or give it a code of its own"
        },
        {
          "code": "LOOM0502",
          "severity": "warning",
          "message": "Git ignores the ledger",
          "labels": [],
          "help": "remove `.loom` from .gitignore"
        }
      ]
    }
    "#);
}
