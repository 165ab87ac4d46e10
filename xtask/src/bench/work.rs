//! The work W(N): N/10 services of ten files each, as a loom project.
//!
//! Deterministic: N gives the same bytes on every machine. The input is compact, as a person would
//! write it: the services once, and ten `template` artifacts with `each: services`.

use crate::Outcome;
use crate::tree::{File, Tree};

/// A template of `xtask/bench/templates`: the artifact's name, the file that it writes, its text.
type Template = (&'static str, &'static str, &'static str);

macro_rules! templates {
    ($($name:literal $file:literal,)+) => {
        &[$(($name, $file, include_str!(concat!("../../bench/templates/", $file, ".j2")))),+]
    };
}

const TEMPLATES: &[Template] = templates! {
    "ci" "ci.yml",
    "deployment" "deployment.yaml",
    "hpa" "hpa.yaml",
    "main" "main.tf",
    "networkpolicy" "networkpolicy.yaml",
    "outputs" "outputs.tf",
    "readme" "README.md",
    "runbook" "RUNBOOK.md",
    "service" "service.yaml",
    "variables" "variables.tf",
};

const TEAMS: [&str; 10] = [
    "payments",
    "identity",
    "search",
    "catalog",
    "checkout",
    "logistics",
    "billing",
    "platform",
    "growth",
    "data",
];
const VARIABLES: [&str; 12] = [
    "LOG_LEVEL",
    "DATABASE_URL",
    "CACHE_URL",
    "QUEUE_NAME",
    "FEATURE_FLAGS_URL",
    "HTTP_TIMEOUT_MS",
    "MAX_CONNECTIONS",
    "REGION",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "SHUTDOWN_GRACE_MS",
    "RETRY_BUDGET",
    "SENTRY_DSN",
];

/// The work of one size.
pub(crate) struct Work {
    services: Vec<Service>,
    /// The services that change, one percent of them.
    changing: Vec<usize>,
    /// The files that somebody edits, one percent of them.
    pub(crate) edited: Vec<String>,
}

struct Service {
    name: String,
    version: String,
    /// The other labels, as lines of YAML.
    labels: String,
}

impl Work {
    /// The work of `files` files, which must be a multiple of ten.
    pub(crate) fn new(files: usize) -> Outcome<Self> {
        if files == 0 || !files.is_multiple_of(10) {
            return Err(format!(
                "{files} files: the work comes in services of ten files each"
            ));
        }
        let count = files / 10;
        let mut random = Random(files as u64);
        let services: Vec<Service> = (0..count)
            .map(|index| Service::new(index, count, &mut random))
            .collect();
        let changing = random.sample(count, (count / 100).max(1));
        let edited = random.sample(files, (files / 100).max(1));
        let mut work = Self {
            edited: Vec::new(),
            services,
            changing,
        };
        work.edited = edited.into_iter().map(|index| work.path(index)).collect();
        Ok(work)
    }

    /// Every file that loom writes.
    pub(crate) fn files(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.services.len() * TEMPLATES.len()).map(|index| self.path(index))
    }

    fn path(&self, index: usize) -> String {
        format!(
            "services/{}/{}",
            self.services[index / TEMPLATES.len()].name,
            TEMPLATES[index % TEMPLATES.len()].1
        )
    }

    /// The whole input: loom.yaml and the templates.
    pub(crate) fn input(&self) -> Tree {
        let file = |text: &str| File {
            bytes: text.into(),
            executable: false,
        };
        let templates = TEMPLATES
            .iter()
            .map(|(_, name, text)| (format!("templates/{name}.j2"), file(text)));
        templates
            .chain([("loom.yaml".to_owned(), file(&self.project(0)))])
            .collect()
    }

    /// loom.yaml after `changes` changes, each a new version of one percent of the services.
    pub(crate) fn project(&self, changes: usize) -> String {
        let mut text =
            "loom: 1\nproject: bench\nenvironments:\n  production: {}\nartifacts:\n".to_owned();
        for (name, file, _) in TEMPLATES {
            text.push_str(&format_artifact(name, file));
        }
        text.push_str("services:\n");
        for (index, service) in self.services.iter().enumerate() {
            let suffix = if changes > 0 && self.changing.contains(&index) {
                format!("-rc{changes}")
            } else {
                String::new()
            };
            let Service {
                name,
                version,
                labels,
            } = service;
            text.extend([
                "  ",
                name,
                ":\n    labels:\n      name: ",
                name,
                "\n      version: ",
                version,
                &suffix,
                "\n",
                labels,
            ]);
        }
        text
    }
}

fn format_artifact(name: &str, file: &str) -> String {
    format!(
        "  - kind: template\n    name: {name}\n    each: services\n    source: templates/{file}.j2\n    \
         path: services/${{service:name}}/{file}\n    vars: {{ svc: \"${{service:labels}}\" }}\n"
    )
}

impl Service {
    fn new(index: usize, count: usize, random: &mut Random) -> Self {
        let name = format!("svc-{index:05}");
        let team = TEAMS[random.below(TEAMS.len())];
        let mut labels = format!(
            "      ident: svc_{index:05}\n      team: {team}\n      namespace: {team}-prod\n      owner: {team}-oncall@example.com\n"
        );
        let version = format!(
            "{}.{}.{}",
            random.between(1, 9),
            random.between(0, 40),
            random.between(0, 20)
        );
        let numbers = [
            ("port", random.between(8000, 8999)),
            ("metrics_port", random.between(9000, 9999)),
            ("replicas", random.between(2, 6)),
            ("max_replicas", random.between(8, 40)),
            ("cpu", [100, 250, 500, 1000][random.below(4)]),
            ("mem", [128, 256, 512, 1024, 2048][random.below(5)]),
        ];
        labels.extend(["      tier: \"", &random.between(1, 3).to_string(), "\"\n"]);
        for (key, value) in numbers {
            labels.extend(["      ", key, ": ", &value.to_string(), "\n"]);
        }
        labels.push_str("      env:\n");
        let many = random.between(3, 8);
        for variable in random.sample(VARIABLES.len(), many) {
            let variable = VARIABLES[variable];
            let stem = variable.to_lowercase().replace('_', "-");
            let value = format!("{stem}-{}.{team}.internal", random.below(1_000_000));
            labels.extend(["        - { name: ", variable, ", value: ", &value, " }\n"]);
        }
        let dependencies: Vec<String> = (0..random.between(1, 4))
            .map(|_| format!("svc-{:05}", random.below(count)))
            .collect();
        labels.extend(["      deps: [", &dependencies.join(", "), "]\n"]);
        Self {
            name,
            version,
            labels,
        }
    }
}

/// `SplitMix64` (Steele, Lea and Flood 2014): small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap_or(0)
    }

    /// A number between two, both included.
    fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// `many` different numbers below `bound`, ascending.
    fn sample(&mut self, bound: usize, many: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..bound).collect();
        for at in 0..many {
            let other = self.between(at, bound - 1);
            all.swap(at, other);
        }
        all.truncate(many);
        all.sort_unstable();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_size_gives_the_same_work() {
        let (one, two) = (
            Work::new(1000).expect("work"),
            Work::new(1000).expect("work"),
        );
        assert!(one.input() == two.input());
        assert_eq!(one.edited, two.edited);
    }

    #[test]
    fn one_percent_of_the_services_and_of_the_files_change() {
        let work = Work::new(1000).expect("work");
        let (before, after) = (work.project(0), work.project(3));
        let changed: Vec<&str> = before
            .lines()
            .zip(after.lines())
            .filter(|(a, b)| a != b)
            .map(|(_, b)| b)
            .collect();
        assert_eq!(changed.len(), 1);
        assert!(changed[0].ends_with("-rc3"), "{changed:?}");
        assert_eq!(work.edited.len(), 10);
    }

    #[test]
    fn there_are_ten_templates_and_sizes_are_multiples_of_ten() {
        assert_eq!(TEMPLATES.len(), 10);
        assert_eq!(Work::new(20).expect("work").input().len(), 11);
        assert!(Work::new(15).is_err());
        assert!(Work::new(0).is_err());
    }
}
