//! What becomes of the markers of a block: people and programs take them out, copy them and nest them.

use super::sandbox::Sandbox;
use super::small;

const BLOCKS: &str = concat!(
    "  - { kind: file, name: one, path: .gitignore, own: block, content: \"/dist\\n\" }\n",
    "  - { kind: file, name: two, path: .gitignore, own: block, content: \"/tmp\\n\" }\n",
);

/// A `.gitignore` with lines of somebody's around two blocks, applied and committed.
fn shared(more: &str) -> Sandbox {
    let sandbox = small::standing(BLOCKS, more);
    sandbox.write(".gitignore", "# mine\n*.log\n");
    sandbox.apply();
    sandbox.append(".gitignore", "\n# mine too\n/secrets/\n*.pem\n");
    sandbox.commit();
    sandbox
}

/// Edits after which the markers of a block make no pair, and what is said of them.
const DAMAGES: [(&str, &str, &str); 8] = [
    (
        "# loom:end file.two\n",
        "",
        "begins the block of `file.two`, and no line ends it",
    ),
    (
        "# loom:end file.one\n",
        "",
        "begins the block of `file.one`, and no line ends it",
    ),
    (
        "# loom:begin file.two\n",
        "",
        "ends the block of `file.two`, and no line begins it",
    ),
    (
        "# mine too\n",
        "# mine too\n# loom:begin file.one\n",
        "the markers of `file.one` stand there more than once",
    ),
    (
        "# loom:end file.two\n",
        "  # loom:end file.two\n",
        "is a marker of `file.two`, but not as loom writes it",
    ),
    (
        "/dist\n# loom:end file.one\n",
        "# loom:begin file.two\n/dist\n# loom:end file.one\n",
        "the block of `file.one` holds markers of other blocks",
    ),
    (
        "# loom:begin file.one\n/dist\n# loom:end file.one\n",
        "# loom:end file.one\n/dist\n# loom:begin file.one\n",
        "ends the block of `file.one` before line",
    ),
    (
        "/tmp\n",
        "/tmp\n// loom:end file.two\n",
        "is a marker of `file.two`, but not as loom writes it",
    ),
];

#[test]
fn damaged_markers_are_a_conflict_under_every_choice_and_no_part_of_the_file_is_written() {
    for (from, to, said) in DAMAGES {
        let sandbox = shared("");
        sandbox.edit(".gitignore", from, to);
        small::declare(
            &sandbox,
            &BLOCKS.replace("/dist", "/out").replace("/tmp", "/cache"),
            "",
        );
        let before = sandbox.tree();
        for choice in [
            &["--on-drift", "conflict"][..],
            &["--on-drift", "restore"],
            &["--on-drift", "keep"],
            &["--on-drift", "merge"],
            &["--adopt"],
            &["--skip-conflicts"],
            &["--target", "file.one"],
            &["--target", "file.two", "--on-drift", "restore"],
        ] {
            let arguments = [&["apply", "--yes"][..], choice].concat();
            sandbox.loom(&arguments).comes_to(4).says(said);
            assert_eq!(sandbox.tree(), before, "{arguments:?}");
        }
        sandbox.loom(&["resolve", "file.one", "--ours"]).comes_to(1);
        assert_eq!(sandbox.tree(), before);
    }
}

#[test]
fn a_block_with_damaged_markers_is_neither_removed_nor_moved_nor_renamed() {
    let two = "  - { kind: file, name: two, path: .gitignore, own: block, content: \"/tmp\\n\" }\n";
    let moved = BLOCKS.replacen("path: .gitignore", "path: .dockerignore", 1);
    let renamed = BLOCKS.replacen("name: one", "name: other", 1);
    let names = "moved: [{ from: file.one, to: file.other }]\n";
    let gone = "removed: [{ address: file.one }]\n";
    for (artifacts, more) in [
        (two, ""),
        (two, gone),
        (moved.as_str(), ""),
        (renamed.as_str(), names),
    ] {
        let sandbox = shared("");
        sandbox.edit(".gitignore", "# loom:end file.one\n", "");
        small::declare(&sandbox, artifacts, more);
        let before = sandbox.tree();
        for choice in ["conflict", "restore"] {
            for skips in [&[][..], &["--skip-conflicts"]] {
                let arguments = [&["apply", "--yes", "--on-drift", choice][..], skips].concat();
                sandbox
                    .loom(&arguments)
                    .comes_to(4)
                    .says("line 4 begins the block of `file.one`, and no line ends it");
                assert_eq!(sandbox.tree(), before, "{artifacts} {more} {arguments:?}");
            }
        }
    }
}

#[test]
fn a_block_whose_markers_somebody_renamed_by_hand_is_found_under_its_new_name() {
    let sandbox = shared("");
    let text = sandbox.read(".gitignore").replace("file.one", "file.other");
    sandbox.write(".gitignore", &text.replace("/dist", "/dist\n/mine"));
    let renamed = BLOCKS.replacen("name: one", "name: other", 1);
    small::declare(
        &sandbox,
        &renamed,
        "moved: [{ from: file.one, to: file.other }]\n",
    );
    let before = sandbox.read(".gitignore");
    sandbox
        .loom(&["apply", "--yes"])
        .comes_to(4)
        .says("edited by hand");
    assert_eq!(sandbox.read(".gitignore"), before);
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "keep"])
        .comes_to(0);
    assert_eq!(sandbox.read(".gitignore"), before);
    sandbox.is_settled();
}

#[test]
fn once_the_markers_are_right_again_loom_goes_on() {
    let sandbox = shared("");
    let sound = sandbox.read(".gitignore");
    sandbox.edit(".gitignore", "# loom:end file.one\n", "");
    sandbox.loom(&["drift"]).comes_to(2).says(".gitignore");
    sandbox.write(
        ".gitignore",
        &sound.replace("# loom:end file.one\n", "# loom:end file.one  \n"),
    );
    sandbox.is_settled();
    // without both markers the block is gone, and is written anew behind what is somebody's
    let bare = sound
        .replace("# loom:begin file.one\n", "")
        .replace("# loom:end file.one\n", "");
    sandbox.write(".gitignore", &bare);
    sandbox
        .loom(&["apply", "--yes"])
        .comes_to(0)
        .says("somebody removed it");
    assert!(sandbox.read(".gitignore").starts_with(&bare));
    sandbox.is_settled();
}
