pub(crate) mod generate;
mod laws;
mod proposals;
mod suites;

use loom_plan::keys::{Change, Format, KeyPath};

use super::{Hcl, Json, Toml, Yaml};

fn paths(text: &[&str]) -> Vec<KeyPath> {
    text.iter()
        .map(|text| text.parse().expect("a path"))
        .collect()
}

/// The text after a change; `None` where nothing is left of the file.
pub(super) fn after(
    format: &dyn Format,
    text: &str,
    wanted: Option<&str>,
    unwanted: &[KeyPath],
) -> Result<Option<String>, String> {
    let change = Change {
        wanted,
        unwanted,
        ..Change::default()
    };
    format.edit(text, change).map(|edited| edited.text)
}

/// The text with what is wanted set and what is not taken out.
fn edited(format: &dyn Format, text: &str, wanted: &str, unwanted: &[&str]) -> String {
    let wanted = Some(wanted).filter(|wanted| !wanted.is_empty());
    match after(format, text, wanted, &paths(unwanted)) {
        Ok(Some(text)) => text,
        Ok(None) => "nothing is left".to_owned(),
        Err(why) => format!("refused: {why}"),
    }
}

#[test]
fn an_empty_file_with_windows_line_ends_gets_no_third_line_end() {
    let wanted = "a: 1\r\nb: 2\r\n";
    assert_eq!(
        after(&Yaml, "\r\n", Some(wanted), &[]),
        Ok(Some(wanted.to_owned()))
    );
    assert_eq!(
        after(&Yaml, "", Some(wanted), &[]),
        Ok(Some(wanted.replace('\r', "")))
    );
}

#[test]
fn a_key_of_toml_is_quoted_as_toml_wants_it() {
    let wanted = "\"a\\u007fb\" = 1\n";
    assert_eq!(
        edited(&Toml, "c = 2\n", wanted, &[]),
        "c = 2\n\"a\\u007fb\" = 1\n"
    );
    assert_eq!(
        edited(&Toml, "c = { d = 2 }\n", "c.\"a\\u007fb\" = 1\n", &[]),
        "c = { d = 2, \"a\\u007fb\" = 1 }\n"
    );
}

#[test]
fn package_json_keeps_its_indentation_its_order_and_its_last_line() {
    let text = "{\n\t\"name\": \"app\",\n\t\"scripts\": {\n\t\t\"test\": \"jest\"\n\t},\n\t\"files\": [\"dist\"]\n}";
    let wanted = r#"{ "scripts": { "build": "tsc -p .", "test": "vitest" }, "files": ["lib"], "engines": { "node": ">=20" } }"#;
    insta::assert_snapshot!(edited(&Json, text, wanted, &[]), @r#"
    {
    	"name": "app",
    	"scripts": {
    		"test": "vitest",
    		"build": "tsc -p ."
    	},
    	"files": ["dist", "lib"],
    	"engines": {
    		"node": ">=20"
    	}
    }
    "#);
    let all = edited(&Json, text, wanted, &[]);
    let without = ["scripts.build", "files[=\"lib\"]", "engines.node"];
    assert_eq!(
        edited(&Json, &all, "", &without),
        text.replace("jest", "vitest")
    );
}

#[test]
fn a_whole_value_is_put_where_it_stands_or_at_the_end_and_a_second_time_changes_nothing() {
    let path: KeyPath = "a.b".parse().expect("a path");
    let json = "{ \"a\": { \"b\": { \"c\": [1, 2], \"d\": 1 }, \"e\": 1 } }\n";
    let yaml = "# ours\na:\n    b: # old\n        c: [1, 2]\n        d: 1\n    e: 1 # mine\nz: 1\n";
    let cases: [(&dyn Format, &str, &str, &str); 4] = [
        (
            &Json,
            json,
            "{ \"a\": { \"b\": { \"c\": [2] } } }",
            "{ \"a\": { \"b\": {\n  \"c\": [\n    2\n  ]\n}, \"e\": 1 } }\n",
        ),
        (
            &Json,
            "{\n\t\"x\": 1\n}",
            "{ \"a\": { \"b\": [] } }",
            "{\n\t\"x\": 1,\n\t\"a\": {\n\t\t\"b\": []\n\t}\n}",
        ),
        (
            &Yaml,
            yaml,
            "a:\n  b:\n    c:\n      - 2\n",
            "# ours\na:\n    b:\n      c:\n        - 2\n    e: 1 # mine\nz: 1\n",
        ),
        (
            &Yaml,
            "x: 1\r\n# end\r\n",
            "a:\n  b: []\n",
            "x: 1\r\n# end\r\na:\r\n  b: []\r\n",
        ),
    ];
    for (format, text, wanted, expected) in cases {
        let once = format.put(text, wanted, &path).expect("it can be put");
        assert_eq!(once, expected);
        assert_eq!(format.put(&once, wanted, &path), Ok(once.clone()));
    }
    for (format, text) in [
        (&Json as &dyn Format, "{ \"a\": [] }"),
        (&Yaml, "a: &x { c: 1 }\nd: *x\na: 2\n"),
        (&Yaml, "x: &a { c: 1 }\na: *a\n"),
    ] {
        assert!(
            format.put(text, "{ \"a\": { \"b\": 1 } }", &path).is_err(),
            "{text}"
        );
    }
}

#[test]
fn json_with_comments_keeps_them_and_refuses_to_take_one_along() {
    let text = "{\n  // one\n  \"a\": 1, // behind a\n  \"b\": 2, // behind b\n  /* two */ \"c\": { \"d\": [] }, // last\n}\n";
    insta::assert_snapshot!(edited(&Json, text, r#"{ "a": 10, "c": { "e": 1 }, "z": {} }"#, &["b"]), @r#"
    {
      // one
      "a": 10, // behind a
      /* two */ "c": { "d": [], "e": 1 }, // last
      "z": {},
    }
    "#);
    let within = "{\n  \"a\": {\n    // mine\n    \"b\": 1\n  },\n  \"c\": 1\n}\n";
    assert_eq!(
        edited(&Json, within, "", &["a.b"]),
        "refused: a comment stands on a line of its own within `a`, and would go with it"
    );
}

#[test]
fn a_workflow_of_github_keeps_comments_quotes_and_blank_lines() {
    let text = "# Ours\nname: 'CI'   # quoted\n\non:\n  push:\n    branches: [main, \"release/*\"]\n\njobs:\n    test:\n        runs-on: ubuntu-24.04\n        steps:\n          - uses: actions/checkout@v4 # keep me\n\n          # install\n          - name: Install\n            run: |\n              # not a comment\n              npm ci\n\n          - { name: Lint, run: npm run lint }\n\n# the end\n";
    let wanted = "on:\n  push:\n    branches:\n      - next\n  workflow_dispatch: {}\npermissions:\n  contents: read\njobs:\n  test:\n    timeout-minutes: 15\n    steps:\n      - name: Install\n        run: |\n          # new\n          npm ci --ignore-scripts\n      - name: Scan\n        uses: a/scan@0123 # v1.2.3\n        with:\n          level: high\n";
    insta::assert_snapshot!(edited(&Yaml, text, wanted, &[]), @r##"
    # Ours
    name: 'CI'   # quoted

    on:
      push:
        branches: [main, "release/*", "next"]
      workflow_dispatch: {}

    jobs:
        test:
            runs-on: ubuntu-24.04
            steps:
              - uses: actions/checkout@v4 # keep me

              # install
              - name: Install
                run: |
                  # new
                  npm ci --ignore-scripts

              - { name: Lint, run: npm run lint }
              - name: Scan
                uses: a/scan@0123 # v1.2.3
                with:
                  level: high
            timeout-minutes: 15

    # the end
    permissions:
      contents: read
    "##);
    let all = edited(&Yaml, text, wanted, &[]);
    let wanted = super::read::<Yaml>(wanted).expect("YAML").leaves();
    let back = after(&Yaml, &all, None, &wanted[..])
        .expect("it can be edited")
        .expect("something is left");
    insta::assert_snapshot!(back, @r##"
    # Ours
    name: 'CI'   # quoted

    on:
      push:
        branches: [main, "release/*"]

    jobs:
        test:
            runs-on: ubuntu-24.04
            steps:
              - uses: actions/checkout@v4 # keep me

              # install

              - { name: Lint, run: npm run lint }

    # the end
    "##);
}

#[test]
fn pyproject_keeps_its_tables_where_they_are() {
    let text = "# mine\n[project]\nname = \"app\"   # the name\ndependencies = [\n    \"httpx>=0.27\", # http\n    'rich',\n]\nurls.home = \"https://example.com\"\n\n[tool.ruff]\nline-length = 100\n\n[tool.ruff.lint]\nselect = [\"E\", \"F\"]\n\n[[tool.mypy.overrides]]\nmodule = \"a.*\"\n# the end\n";
    let wanted = "requires = 1\n[project]\ndependencies = [\"anyio\", \"rich\"]\nurls.docs = \"https://docs.example.com\"\n[tool.ruff]\nline-length = 120 # wide\ntarget-version = \"py312\"\n[tool.pytest.ini_options]\naddopts = \"-q\"\n[tool.pytest.ini_options.deep]\nx = 1979-05-27T07:32:00Z\n";
    insta::assert_snapshot!(edited(&Toml, text, wanted, &["tool.ruff.lint.select[=\"E\"]"]), @r##"
    requires = 1
    # mine
    [project]
    name = "app"   # the name
    dependencies = [
        "httpx>=0.27", # http
        'rich',
        "anyio",
    ]
    urls.home = "https://example.com"
    urls.docs = "https://docs.example.com"

    [tool.ruff]
    line-length = 120 # wide
    target-version = "py312"

    [tool.ruff.lint]
    select = ["F"]

    [[tool.mypy.overrides]]
    module = "a.*"
    # the end

    [tool.pytest.ini_options]
    addopts = "-q"

    [tool.pytest.ini_options.deep]
    x = 1979-05-27T07:32:00Z
    "##);
    let all = edited(&Toml, text, wanted, &[]);
    let leaves = super::read::<Toml>(wanted).expect("TOML").leaves();
    let back = after(&Toml, &all, None, &leaves)
        .expect("it can be edited")
        .expect("something is left");
    insta::assert_snapshot!(back, @r##"
    # mine
    [project]
    name = "app"   # the name
    dependencies = [
        "httpx>=0.27", # http
    ]
    urls.home = "https://example.com"

    [tool.ruff]

    [tool.ruff.lint]
    select = ["E", "F"]

    [[tool.mypy.overrides]]
    module = "a.*"
    # the end
    "##);
}

#[test]
fn main_tf_keeps_its_blocks_its_comments_and_its_heredocs() {
    let text = "terraform {\n  required_version = \">= 1.9\" # ours\n\n  required_providers {\n    aws = {\n      source  = \"hashicorp/aws\"\n      version = \"~> 5.0\"\n    }\n  }\n}\n\n// buckets\nresource \"aws_s3_bucket\" \"logs\" {\n  bucket = \"logs-${var.name}\"\n  tags = { team = \"core\" }\n\n  lifecycle {\n    prevent_destroy = true\n  }\n}\n\nlocals {\n  policy = <<-EOT\n    # text\n  EOT\n}\n";
    let wanted = "terraform {\n  required_version = \"~> 1.10\"\n  required_providers {\n    random = {\n      source = \"hashicorp/random\"\n    }\n  }\n}\n\nresource \"aws_s3_bucket\" \"logs\" {\n  force_destroy = false\n  tags = {\n    owner = \"loom\"\n  }\n  versioning {\n    enabled = true\n  }\n}\n\nmodule \"network\" {\n  source = \"./network\"\n  cidrs  = [\"10.0.0.0/16\"]\n}\n";
    insta::assert_snapshot!(edited(&Hcl, text, wanted, &[]), @r##"
    terraform {
      required_version = "~> 1.10" # ours

      required_providers {
        aws = {
          source  = "hashicorp/aws"
          version = "~> 5.0"
        }
        random = {
          source = "hashicorp/random"
        }
      }
    }

    // buckets
    resource "aws_s3_bucket" "logs" {
      bucket = "logs-${var.name}"
      tags = { team = "core", owner = "loom" }
      force_destroy = false

      lifecycle {
        prevent_destroy = true
      }

      versioning {
        enabled = true
      }
    }

    locals {
      policy = <<-EOT
        # text
      EOT
    }

    module "network" {
      source = "./network"
      cidrs  = ["10.0.0.0/16"]
    }
    "##);
    let all = edited(&Hcl, text, wanted, &[]);
    let leaves = super::read::<Hcl>(wanted).expect("HCL").leaves();
    let back = after(&Hcl, &all, None, &leaves[1..])
        .expect("it can be edited")
        .expect("something is left");
    assert_eq!(back, text.replace(">= 1.9", "~> 1.10"));
}
