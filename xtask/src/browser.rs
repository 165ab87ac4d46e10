//! The page of `loom plan --format html`, used in a real browser.
//!
//! In: a Chromium on the PATH. Out: a verdict. Pages of a small plan, of one with hostile texts, and of
//! one with 20 000 changes are opened, searched, filtered, unfolded and steered by keys, by a script that
//! is added to each (`xtask/browser/check.js`). Time is not measured: that a large page stays usable is
//! that it makes only the rows that are looked at.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Outcome;
use crate::bench::work::Work;
use crate::process::{Profile, build_loom, git_init, output, root};
use crate::tree::{self, at};

/// The names under which Chromium is installed.
const BROWSERS: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// A project whose texts would take the page over, if any of them became markup.
const HOSTILE: &str = r#"
loom: 1
project: hostile
environments: { staging: {} }
artifacts:
  - kind: file
    name: page
    path: "docs/<img src=x onerror=window.hacked=1>.html"
    content: |
      </script><script>window.hacked = 1</script><!-- <img src=x onerror="window.hacked=1">
      <svg onload=window.hacked=1> ]]> &lt; {{constructor.constructor('window.hacked=1')()}}
"#;
/// How many files the large plan changes.
const MANY: usize = 20_000;

/// Opens every page, if there is a browser.
pub(crate) fn run() -> Outcome {
    let works = |name: &&&str| {
        Command::new(name)
            .arg("--version")
            .output()
            .is_ok_and(|ended| ended.status.success())
    };
    let Some(browser) = BROWSERS.iter().find(works) else {
        println!(
            "SKIPPED: there is no Chromium on the PATH ({})",
            BROWSERS.join(", ")
        );
        return Ok(());
    };
    let loom = build_loom(Profile::Dev)?;
    let place = tempfile::tempdir().map_err(|error| format!("no temporary directory: {error}"))?;
    let [small, hostile, many] = ["small", "hostile", "many"].map(|name| place.path().join(name));
    tree::write(
        &tree::read(
            &root().join("fixtures/projects/two-services"),
            &["expected"],
        )?,
        &small,
    )?;
    change(&loom, &small)?;
    fs::create_dir(&hostile).map_err(at(&hostile))?;
    fs::write(hostile.join("loom.yaml"), HOSTILE).map_err(at(&hostile))?;
    tree::write(&Work::new(MANY)?.input(), &many)?;
    for (name, project) in [
        ("a small plan", small),
        ("a hostile one", hostile),
        ("20 000 changes", many),
    ] {
        check(&loom, browser, &project)?;
        println!("{name}: the page works in {browser}");
    }
    Ok(())
}

/// Applies the plan, changes the input, and makes one file one that an older version of its kind
/// wrote, so that the next plan updates files for both reasons.
fn change(loom: &Path, project: &Path) -> Outcome {
    git_init(project)?;
    let apply = || {
        output(
            Command::new(loom)
                .args(["apply", "--yes"])
                .current_dir(project),
        )
    };
    let (input, file) = (
        project.join("loom.yaml"),
        project.join("k8s/staging/web-api.yml"),
    );
    let ledger = project.join(".loom/ledger/PAR-101.jsonl");
    let record = || {
        let text = fs::read_to_string(&ledger).map_err(at(&ledger))?;
        let line = text
            .lines()
            .find(|line| line.contains(r#""path":"k8s/staging/web-api.yml""#));
        line.map(str::to_owned)
            .ok_or_else(|| format!("{}: the manifest of staging is not in it", ledger.display()))
    };
    apply()?;
    let (older, before) = (fs::read_to_string(&file).map_err(at(&file))?, record()?);
    replace(&input, "staging: 2", "staging: 3")?;
    apply()?;
    replace(
        &ledger,
        &record()?,
        &before.replace(r#""version":1"#, r#""version":0"#),
    )?;
    fs::write(&file, older).map_err(at(&file))?;
    replace(&input, "production: 4", "production: 5")?;
    let plan = output(Command::new(loom).arg("plan").current_dir(project))?;
    let both =
        plan.contains("Generator upgraded: ") && plan.contains("production changed, loom.yaml");
    if both {
        Ok(())
    } else {
        Err(format!(
            "the small plan does not change files for both reasons:\n{plan}"
        ))
    }
}

/// Writes a text of a file another way.
fn replace(file: &Path, from: &str, to: &str) -> Outcome {
    let text = fs::read_to_string(file).map_err(at(file))?;
    fs::write(file, text.replace(from, to)).map_err(at(file))
}

fn check(loom: &Path, browser: &str, project: &Path) -> Outcome {
    let ended = output(
        Command::new(loom)
            .args(["plan", "--format", "html"])
            .current_dir(project),
    )?;
    let script = format!(
        "<script>{}</script></body>",
        include_str!("../browser/check.js")
    );
    let page = project.with_extension("html");
    fs::write(&page, ended.replace("</body>", &script)).map_err(at(&page))?;
    let mut command = Command::new(browser);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--virtual-time-budget=20000",
        "--dump-dom",
    ]);
    let document = output(command.arg(format!("file://{}", page.display())))?;
    let result = document
        .split_once("data-result=\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(result, _)| result);
    match result {
        Some("ok") => Ok(()),
        Some(wrong) => Err(format!("{}: this does not hold: {wrong}", page.display())),
        None => Err(format!(
            "{}: the script of the test did not end",
            page.display()
        )),
    }
}
