//! Paths that could lead somewhere else, and files that keep what is not loom's, in real runs.
//!
//! In: small projects. Out: proofs that each is refused with its place, reason and exit code, or
//! handled. What needs root's rights is skipped elsewhere, and says so. The single rules are tested
//! beside their code (`addr`, `block`, `tests::paths` of loom-apply).

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use super::sandbox::{Ran, Sandbox, tree};
use super::small::{PROJECT, declare, standing};

/// An artifact that writes `text` to a path, as a line of loom.yaml.
fn file(name: &str, path: &str, more: &str) -> String {
    format!("  - {{ kind: file, name: {name}, path: \"{path}\", content: \"text\\n\"{more} }}\n")
}

/// Neither plan nor apply goes on, and each says these things; nothing is written.
#[track_caller]
fn is_refused(sandbox: &Sandbox, code: i32, sayings: &[&str]) {
    let before = sandbox.tree();
    for arguments in [
        &["plan"][..],
        &["apply", "--yes"],
        &["apply", "--yes", "--adopt", "--on-drift", "restore"],
    ] {
        let ran = sandbox.loom(arguments).comes_to(code);
        let said = format!("{}{}", ran.out, ran.err);
        // the messages are wrapped to the width of a terminal
        let words = said
            .split(['│', '\n', ' '])
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        for saying in sayings {
            assert!(words.contains(saying), "it does not say {saying:?}\n{ran}");
        }
    }
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn a_path_that_leaves_the_repository_or_reaches_git_is_an_error_at_its_line() {
    let long = format!("{}x", "directory/".repeat(400));
    let wide = "x".repeat(256);
    for (path, why) in [
        ("../x", "leaves"),
        ("a/../../x", "leaves"),
        ("/etc/cron.d/x", "is absolute"),
        ("C:/x", "is absolute"),
        ("a\\\\b", "which a path may not hold"),
        ("a\\nb", "which a path may not hold"),
        ("a\\0b", "which a path may not hold"),
        (".git/hooks/pre-commit", "leads into Git's own directory"),
        ("sub/.GIT/config", "leads into Git's own directory"),
        ("git~1/config", "leads into Git's own directory"),
        (".git . /config", "leads into Git's own directory"),
        (
            ".git::$INDEX_ALLOCATION/config",
            "leads into Git's own directory",
        ),
        (".g\\u200Cit/config", "leads into Git's own directory"),
        (".git\\uFE0F/config", "leads into Git's own directory"),
        (wide.as_str(), "longer than 255 bytes"),
        (long.as_str(), "longer than 4000 bytes"),
    ] {
        let sandbox = standing(&file("bad", path, ""), "");
        let why = if why == "leaves" { "`..`" } else { why };
        is_refused(
            &sandbox,
            1,
            &[
                "LOOM0109",
                why,
                &format!("loom.yaml:{}:", PROJECT.lines().count() + 2),
            ],
        );
    }
}

#[test]
fn the_ledger_is_input_and_not_trust() {
    let sandbox = standing(&file("a", "a", ""), "");
    sandbox.apply();
    std::fs::write(sandbox.outside("x"), "theirs\n").expect("can be written");
    let ledger = sandbox.read(".loom/ledger/project.jsonl");
    for bad in ["../x", ".git/HEAD", "/etc/passwd", ".GIT /config"] {
        // an orphan at such a path would be a file to delete
        let line = ledger
            .lines()
            .find(|line| line.contains("\"path\":\"a\""))
            .expect("it is recorded");
        let forged = line.replace("\"path\":\"a\"", &format!("\"path\":\"{bad}\""));
        sandbox.write(".loom/ledger/project.jsonl", &format!("{ledger}{forged}\n"));
        sandbox.loom(&["plan"]).comes_to(0).complains("LOOM0503");
        sandbox.loom(&["apply", "--yes"]).comes_to(0);
        assert_eq!(
            std::fs::read_to_string(sandbox.outside("x"))
                .ok()
                .as_deref(),
            Some("theirs\n")
        );
        assert!(sandbox.has(".git/HEAD") && sandbox.has("a"));
    }
}

#[test]
fn looms_own_place_is_no_target_however_it_is_written() {
    for path in [
        ".loom/ledger/project.jsonl",
        ".loom/private/lock",
        ".loom/conflicts/x",
        ".LOOM/x",
        ".lo\\u200Bom/x",
        ".Loom",
    ] {
        let sandbox = standing(&file("own", path, ""), "");
        is_refused(&sandbox, 1, &["LOOM0416", "`.loom` is loom's own"]);
    }
    standing(&file("near", ".loomx/y", ""), "").apply();
}

#[test]
fn names_that_are_one_file_on_some_machine_are_refused_on_every_machine() {
    for [one, other] in [
        ["docs/readme.md", "docs/README.md"],
        ["caf\\u00e9", "cafe\\u0301"],
        ["Stra\\u00dfe", "STRASSE"],
        ["ab", "a\\u00adb"],
    ] {
        let sandbox = standing(&(file("one", one, "") + &file("other", other, "")), "");
        is_refused(
            &sandbox,
            1,
            &[
                "LOOM0409",
                "are one file where case, normalisation and invisible characters do not count",
            ],
        );
    }
    let sandbox = standing(
        &(file("one", "docs", "") + &file("other", "Docs/x", "")),
        "",
    );
    is_refused(
        &sandbox,
        1,
        &[
            "LOOM0409",
            "docs would be a file and the directory of Docs/x",
        ],
    );
    // two directories that differ in case only hold different files everywhere
    standing(
        &(file("one", "docs/x", "") + &file("other", "Docs/y", "")),
        "",
    )
    .apply();
}

#[test]
fn a_name_of_which_only_the_case_changed_is_renamed_or_left_alone() {
    let sandbox = standing(&file("readme", "docs/readme.md", ""), "");
    sandbox.apply();
    declare(&sandbox, &file("readme", "docs/README.md", ""), "");
    sandbox.apply();
    assert!(
        !sandbox.has("docs/readme.md") && sandbox.has("docs/README.md"),
        "here case counts"
    );
    sandbox.is_settled();
    // where it does not, both names show the same file: removing the one would remove the other
    declare(&sandbox, &file("readme", "docs/Readme.md", ""), "");
    sandbox.write("docs/Readme.md", "text\n");
    let plan = sandbox.loom(&["plan"]).comes_to(0);
    assert_eq!(
        (plan.marked('='), plan.marked('.')),
        (
            vec!["docs/Readme.md".to_owned()],
            vec!["docs/README.md".to_owned()]
        )
    );
    sandbox.apply();
    assert!(sandbox.has("docs/README.md") && sandbox.has("docs/Readme.md"));
    sandbox.is_settled();
}

#[test]
fn a_file_in_place_of_a_directory_and_the_other_way_round_are_conflicts() {
    let sandbox = standing(&file("a", "a/x", ""), "");
    sandbox.write("a", "mine\n");
    is_refused(
        &sandbox,
        4,
        &["a/x", "a file in place of the directory `a` is there"],
    );
    let sandbox = standing(&file("a", "a", ""), "");
    sandbox.write("a/x", "mine\n");
    is_refused(&sandbox, 4, &["a directory is there"]);
    // the same with files that are loom's own
    for (from, to, what) in [
        ("a", "a/x", "a file in place of the directory `a`"),
        ("a/x", "a", "a directory is there"),
    ] {
        let sandbox = standing(&file("a", from, ""), "");
        sandbox.apply();
        declare(&sandbox, &file("a", to, ""), "");
        is_refused(&sandbox, 4, &[what]);
    }
}

#[test]
fn another_repository_below_the_root_is_never_written_to() {
    let sandbox = Sandbox::empty();
    sandbox.write("lib/own.txt", "theirs\n");
    sandbox.git(&["init", "--quiet", "library"]);
    sandbox.git(&[
        "-c",
        "user.name=A",
        "-c",
        "user.email=a@example.com",
        "-C",
        "library",
        "commit",
        "--quiet",
        "--allow-empty",
        "-m",
        "x",
    ]);
    sandbox.git(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        "./library",
        "vendor/module",
    ]);
    sandbox.git(&["init", "--quiet", "--bare", "bare"]);
    let another =
        |directory: &str| format!("another Git repository in place of the directory `{directory}`");
    let module = "a submodule of Git in place of the directory `vendor/module`".to_owned();
    for (path, what) in [
        ("library/x", another("library")),
        ("library/new/x", another("library")),
        ("bare/hooks/post-update", another("bare")),
        ("vendor/module/x", module.clone()),
    ] {
        declare(&sandbox, &file("a", path, ""), "");
        is_refused(&sandbox, 4, &[path, &what]);
    }
    sandbox.commit();
    sandbox.git(&["submodule", "--quiet", "deinit", "--force", "vendor/module"]);
    declare(&sandbox, &file("a", "vendor/module/x", ""), "");
    is_refused(&sandbox, 4, &[&module]);
    declare(
        &sandbox,
        &(file("a", "lib/a", "") + &file("b", "vendor/b", "")),
        "",
    );
    sandbox.apply();
    sandbox.is_settled();
}

#[test]
fn a_mount_below_the_root_is_never_written_to() {
    let sandbox = standing(&file("a", "data/x", ""), "");
    std::fs::create_dir_all(sandbox.root().join("data")).expect("can be made");
    std::fs::create_dir(sandbox.outside("other")).expect("can be made");
    std::fs::write(sandbox.outside("other/x"), "theirs\n").expect("can be written");
    let (other, here) = (sandbox.outside("other"), sandbox.root().join("data"));
    let mounted = Command::new("mount")
        .arg("--bind")
        .args([&other, &here])
        .output()
        .expect("mount can be run");
    if !mounted.status.success() {
        eprintln!(
            "SKIPPED: this user may not mount: {}",
            String::from_utf8_lossy(&mounted.stderr)
        );
        return;
    }
    let ran = std::panic::catch_unwind(|| {
        is_refused(
            &sandbox,
            4,
            &["data/x", "a mount in place of the directory `data`"],
        );
    });
    let status = Command::new("umount")
        .arg(&here)
        .status()
        .expect("umount can be run");
    assert!(ran.is_ok() && status.success());
    assert_eq!(
        std::fs::read_to_string(other.join("x")).ok().as_deref(),
        Some("theirs\n")
    );
}

/// Runs loom as a user without rights of its own, if this one may choose.
#[expect(clippy::print_stderr, reason = "what is skipped is said")]
fn as_nobody(sandbox: &Sandbox, arguments: &[&str]) -> Option<Ran> {
    const NOBODY: u32 = 65_534;
    let parent = sandbox.outside("");
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let mut command = sandbox.command(arguments);
    if is_root {
        for path in std::iter::once(parent.clone()).chain(below(&parent)) {
            chown(path, Some(NOBODY), Some(NOBODY)).expect("root may give files away");
        }
        command.uid(NOBODY).gid(NOBODY);
    }
    match command.output() {
        Ok(output) => Some(Ran::of(arguments, &output, &sandbox.root())),
        Err(error) => {
            eprintln!("SKIPPED: the program cannot be run as another user: {error}");
            None
        }
    }
}

/// Everything below a directory, links not followed.
fn below(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("can be listed") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(below(&path));
        }
        found.push(path);
    }
    found
}

#[test]
fn a_read_only_directory_is_said_before_anything_is_written() {
    let sandbox = standing(&(file("a", "a", "") + &file("z", "shut/z", "")), "");
    std::fs::create_dir(sandbox.root().join("shut")).expect("can be made");
    std::fs::set_permissions(
        sandbox.root().join("shut"),
        std::fs::Permissions::from_mode(0o555),
    )
    .expect("can be changed");
    let before = sandbox.tree();
    let Some(ran) = as_nobody(&sandbox, &["apply", "--yes"]) else {
        return;
    };
    ran.comes_to(7)
        .complains("nothing was changed: could not change files in `shut`")
        .complains("whether you may write there");
    assert_eq!(sandbox.tree(), before);
    std::fs::set_permissions(
        sandbox.root().join("shut"),
        std::fs::Permissions::from_mode(0o755),
    )
    .expect("can be changed");
    let ran = as_nobody(&sandbox, &["apply", "--yes"]).expect("it could be run before");
    ran.comes_to(0);
    assert_eq!(sandbox.read("shut/z"), "text\n");
}

#[test]
fn the_longest_path_is_planned_applied_and_removed() {
    let path = format!("{}end", format!("{}/", "d".repeat(200)).repeat(19)) + &"x".repeat(170);
    assert!(path.len() > 3980 && path.len() <= 4000, "{}", path.len());
    let sandbox = standing(
        &(file("deep", &path, "") + &file("wide", &"é".repeat(127), "")),
        "",
    );
    sandbox.apply();
    assert_eq!(sandbox.read(&path), "text\n");
    sandbox.is_settled();
    declare(&sandbox, "  []\n", "");
    sandbox.apply();
    assert!(!sandbox.has(&"d".repeat(200)) && !sandbox.has(&"é".repeat(127)));
    sandbox.is_settled();
}

#[test]
fn a_block_leaves_line_ends_and_mark_of_the_file_as_they_are() {
    let block = |content: &str| {
        format!(
            "  - {{ kind: file, name: b, path: notes.ini, own: block, content: \"{content}\" }}\n"
        )
    };
    for (text, line_end) in [
        ("mine\r\nyours\r\n", "\r\n"),
        ("mine\r\nyours", "\r\n"),
        ("mine\nyours", "\n"),
        ("\u{feff}mine\n", "\n"),
        ("\u{feff}mine\r\n\r\n", "\r\n"),
        ("mine", "\n"),
        ("mine\n\n", "\n"),
        ("mine\r\nyours\nlast", "\n"),
    ] {
        let sandbox = standing(&block("one\\ntwo\\n"), "");
        sandbox.write("notes.ini", text);
        sandbox.apply();
        let with = sandbox.read("notes.ini");
        let body =
            format!("# loom:begin file.b{line_end}one{line_end}two{line_end}# loom:end file.b");
        assert!(with.starts_with(text) && with.contains(&body), "{with:?}");
        assert!(with.ends_with(line_end), "{with:?}");
        sandbox.is_settled();

        declare(&sandbox, &block("three"), "");
        sandbox.apply();
        let changed = body.replace(&format!("one{line_end}two"), "three");
        assert_eq!(
            sandbox.read("notes.ini"),
            with.replace(&body, &changed),
            "only the body changed, and a last line is a line"
        );
        sandbox.is_settled();

        declare(&sandbox, "  []\n", "");
        sandbox.apply();
        let last = if text.ends_with('\n') { "" } else { line_end };
        assert_eq!(
            sandbox.read("notes.ini"),
            format!("{text}{last}"),
            "only the last line may have got its end"
        );
    }
}

#[test]
fn a_block_that_holds_its_own_marker_is_an_error() {
    let sandbox = standing(
        "  - { kind: file, name: b, path: notes.ini, own: block, content: \"one\\n# loom:end file.b\\ntwo\\n\" }\n",
        "",
    );
    is_refused(&sandbox, 1, &["LOOM0413", "help: change that line"]);
}

#[test]
fn the_other_name_of_a_file_keeps_the_old_content_and_is_said() {
    let sandbox = standing(&file("a", "a", ""), "");
    sandbox.apply();
    std::fs::hard_link(sandbox.root().join("a"), sandbox.root().join("b")).expect("can be linked");
    let changed = file("a", "a", "").replace("text", "other");
    declare(&sandbox, &changed, "");
    let ran = sandbox.apply();
    let said = ran
        .out
        .lines()
        .find(|line| line.contains("hard link"))
        .unwrap_or_else(|| panic!("it is not said\n{ran}"));
    assert!(said.contains('a'), "{said}");
    assert_eq!(
        (sandbox.read("a").as_str(), sandbox.read("b").as_str()),
        ("other\n", "text\n")
    );
}

#[test]
fn what_a_mode_allows_is_kept_by_an_update() {
    let sandbox = standing(&file("a", "a", ""), "");
    sandbox.apply();
    for mode in [0o600, 0o640, 0o4644, 0o2664, 0o1604] {
        std::fs::set_permissions(
            sandbox.root().join("a"),
            std::fs::Permissions::from_mode(mode),
        )
        .expect("can be changed");
        sandbox.is_settled();
        declare(
            &sandbox,
            &file("a", "a", "").replace("text", &format!("text {mode}")),
            "",
        );
        sandbox.apply();
        let now = std::fs::metadata(sandbox.root().join("a"))
            .expect("it is there")
            .permissions()
            .mode()
            & 0o7777;
        assert_eq!((sandbox.read("a"), now), (format!("text {mode}\n"), mode));
    }
    assert_eq!(
        tree(&sandbox.root(), &[".git"])
            .keys()
            .filter(|path| !path.starts_with('.'))
            .collect::<Vec<_>>(),
        ["a", "loom.yaml"]
    );
}
