//! What loom.yaml may say: the shapes that check it and that `loom schema` exports.

use super::OnDrift;
use crate::check::bars::Bar;
use crate::shape::{Field, Shape};
use crate::stack::{PackageManager, Runtime, Strategy};

use Shape::{
    Any, Bool, Either, Integer, List, Map, Named, OneOf, Path, PerEnvironment, Quantity, Record,
    Scalar, Share, Text,
};

const TEXT: Shape = PerEnvironment(&Text);
const TEXTS: Shape = PerEnvironment(&List(&Text));
const COUNT: Shape = PerEnvironment(&Integer(0, 1000));
const QUANTITY: Shape = PerEnvironment(&Quantity);

/// The keys of loom.yaml.
pub const PROJECT: &[Field] = &[
    Field::required("loom", Integer(1, i64::MAX), "format version: 1"),
    Field::required("project", Shape::Name, "the project's name"),
    Field::optional(
        "requires",
        Text,
        "the versions of loom that may work with the project: `>=0.2`",
    ),
    Field::optional(
        "stack",
        Map(&Any),
        "merged over .agent/loom/stack-config.json",
    ),
    Field::default(
        "stories",
        List(&Text),
        "[stories/**/*.{yaml,yml,json}]",
        "globs of the story files",
    ),
    Field::optional(
        "include",
        List(&Text),
        "globs of more files with services and artifacts",
    ),
    Field::required(
        "environments",
        Named(&Record(ENVIRONMENT)),
        "the environments in order of promotion",
    ),
    Field::optional("services", Named(&Record(SERVICE)), "the services by name"),
    Field::optional("artifacts", List(&Any), "standing declarations"),
    Field::optional(
        "defaults",
        Record(&[ON_DRIFT]),
        "what holds where an artifact does not say",
    ),
    Field::default(
        "gate",
        OneOf(&["warn", "hold"]),
        "warn",
        "what happens to artifacts whose task waits for another",
    ),
    Field::optional("delivery", Record(DELIVERY), "who commits generated files"),
    Field::optional("pins", Record(PINS), "versions over the built-in ones"),
    Field::optional("policy", Record(POLICY), "accepted findings"),
    Field::optional("moved", List(&Record(MOVED)), "addresses that changed"),
    Field::optional(
        "removed",
        List(&Record(REMOVED)),
        "what is no longer managed",
    ),
    Field::optional(
        "adopt",
        List(&Record(ADOPT)),
        "files that an artifact takes over",
    ),
    Field::optional(
        "delegate",
        List(&Record(DELEGATE)),
        "keys that are left to a bot",
    ),
    Field::optional(
        "providers",
        Map(&Record(PROVIDER)),
        "programs behind exec.NAME",
    ),
];

/// The keys of an included file.
pub const INCLUDE: &[Field] = &[
    Field::required("loom", Integer(1, i64::MAX), "format version: 1"),
    Field::optional("services", Named(&Record(SERVICE)), "the services by name"),
    Field::optional("artifacts", List(&Any), "standing declarations"),
];

/// `onDrift`, wherever it stands.
pub const ON_DRIFT: Field = Field::default(
    "onDrift",
    OneOf(OnDrift::WORDS),
    "conflict",
    "what plan does with an edited file",
);

const DELIVERY: &[Field] = &[Field::default(
    "commit",
    OneOf(&["author", "bot"]),
    "author",
    "who commits generated files",
)];
const PINS: &[Field] = &[
    Field::optional(
        "actions",
        Map(&Record(ACTION_PIN)),
        "GitHub actions by owner/name",
    ),
    Field::optional("images", Map(&Record(IMAGE_PIN)), "base images by name"),
];
const ACTION_PIN: &[Field] = &[
    Field::required("version", Text, "such as v4.2.2"),
    Field::required("sha", Text, "the commit, 40 hexadecimal digits"),
];
const IMAGE_PIN: &[Field] = &[
    Field::required("tag", Text, "a full version"),
    Field::optional("digest", Text, "sha256:… of the image index"),
];
const POLICY: &[Field] = &[
    Field::optional(
        "accept",
        List(&Record(ACCEPT)),
        "findings that are accepted",
    ),
    Field::optional(
        "sarif",
        Record(BARS),
        "what becomes of what scanners found (--sarif)",
    ),
];
const BARS: &[Field] = &[
    Field::optional("error", OneOf(Bar::WORDS), "of errors: deny by default"),
    Field::optional("warning", OneOf(Bar::WORDS), "of warnings: warn by default"),
    Field::optional("note", OneOf(Bar::WORDS), "of notes: warn by default"),
];
const ACCEPT: &[Field] = &[
    Field::required(
        "code",
        Text,
        "the rule's code, package and rule of a policy (main.deny), or a scanner's own code",
    ),
    Field::optional(
        "address",
        Shape::Address,
        "the artifact in whose files it is accepted",
    ),
    Field::optional(
        "path",
        Text,
        "a glob of files that loom does not write, in which it is accepted",
    ),
    Field::optional(
        "literal",
        Text,
        "which literal is accepted that looks like a credential: the digits that LOOM0205 tells",
    ),
    Field::required("reason", Text, "why"),
];
const MOVED: &[Field] = &[
    Field::required("from", Shape::Address, "the old address"),
    Field::required("to", Shape::Address, "the new address"),
];
const REMOVED: &[Field] = &[
    Field::optional("address", Shape::Address, "the artifact"),
    Field::optional("story", Text, "all that this story declared"),
    Field::optional(
        "component",
        Text,
        "only this component of a stateful artifact",
    ),
    Field::default(
        "replace",
        Bool,
        "false",
        "the component may be made anew, without what it held",
    ),
    Field::optional(
        "reason",
        Text,
        "why what it names may be lost; without one it permits no loss",
    ),
    Field::default("keep", Bool, "false", "stop managing, leave the file"),
];
const ADOPT: &[Field] = &[
    Field::required("address", Shape::Address, "the artifact"),
    Field::optional("path", Path, "the file that is there"),
];
const DELEGATE: &[Field] = &[
    Field::required("address", Shape::Address, "the artifact"),
    Field::required(
        "keys",
        Text,
        "the keys, such as jobs.*.steps[*].uses; in front, one of several documents: [kind=Deployment, name=api]",
    ),
    Field::required("to", Text, "who changes them"),
];
const PROVIDER: &[Field] = &[
    Field::required("command", List(&Text), "the program and its arguments"),
    Field::required("sha256", Text, "its hash"),
];

/// The keys of an environment.
pub const ENVIRONMENT: &[Field] = &[
    Field::optional("url", Text, "where it answers"),
    Field::optional("region", Text, "the cloud's region"),
    Field::default(
        "approval",
        OneOf(&["required", "none"]),
        "none",
        "whether a person approves a deployment",
    ),
    Field::optional(
        "production",
        Bool,
        "whether it is production; the last environment is one unless another says so",
    ),
    Field::optional("branches", List(&Text), "the branches that deploy to it"),
    Field::optional("account", Scalar, "the cloud's account"),
    Field::optional("project", Text, "the cloud's project"),
    Field::optional("role", Text, "the role that the pipeline takes on"),
    Field::optional("cluster", Text, "the cluster that runs the services"),
    Field::optional("namespace", Text, "the namespace in the cluster"),
    Field::optional("network", Text, "the network: the VPC's Name tag"),
    Field::optional("domain", Text, "the DNS zone"),
    Field::optional("certificate", Text, "the certificate of the load balancer"),
    Field::optional("stateBucket", Text, "the bucket of the Terraform state"),
    Field::optional("host", Text, "the machine, where there is no cloud"),
    Field::optional("vars", Map(&Any), "one's own values"),
];

/// The keys of a service.
pub const SERVICE: &[Field] = &[
    Field::default("title", TEXT, "the service's name", "its name for people"),
    Field::default("path", TEXT, ".", "where its code lives"),
    Field::default("watch", TEXTS, "[]", "more paths that trigger its pipeline"),
    Field::optional(
        "port",
        PerEnvironment(&Integer(1, 65535)),
        "the port that it listens on",
    ),
    Field::default(
        "health",
        TEXT,
        "/health",
        "the path that answers 200 when it is well",
    ),
    Field::optional(
        "environment",
        Map(&Record(VARIABLE)),
        "the variables that it needs",
    ),
    Field::default("replicas", COUNT, "2, in production 3", "how many"),
    Field::optional("resources", Record(RESOURCES), "what one replica may use"),
    Field::optional("database", Record(DATABASE), "its database"),
    Field::default(
        "runtime",
        PerEnvironment(&OneOf(Runtime::WORDS)),
        "the stack's",
        "over the stack's",
    ),
    Field::default(
        "packageManager",
        PerEnvironment(&OneOf(PackageManager::WORDS)),
        "the stack's",
        "over the stack's",
    ),
    Field::optional("commands", Record(COMMANDS), "over the stack's"),
    Field::default(
        "strategy",
        PerEnvironment(&OneOf(Strategy::WORDS)),
        "the stack's",
        "over the stack's",
    ),
    Field::default(
        "url",
        TEXT,
        "the environment's, for the only exposed service",
        "where it answers",
    ),
    Field::default(
        "expose",
        PerEnvironment(&OneOf(&["public", "internal", "none"])),
        "public",
        "who can reach it",
    ),
    Field::optional(
        "autoscale",
        Record(AUTOSCALE),
        "bounds of the number of replicas",
    ),
    Field::optional("image", TEXT, "an image that is built elsewhere"),
    Field::optional("migrations", TEXT, "the directory of its migrations"),
    Field::optional("labels", Map(&Any), "a free mapping"),
    Field::optional(
        "uses",
        PerEnvironment(&List(&Shape::Address)),
        "shared infrastructure that it uses",
    ),
];

const VARIABLE: &[Field] = &[
    Field::default(
        "secret",
        PerEnvironment(&Either(&[Bool, Record(SECRET)])),
        "false",
        "`true`, or where it is kept",
    ),
    Field::optional(
        "value",
        PerEnvironment(&Scalar),
        "its value, where it is no secret",
    ),
    Field::default("description", TEXT, "none", "what it is for"),
];
const SECRET: &[Field] = &[
    Field::required(
        "from",
        OneOf(&[
            "aws-secrets-manager",
            "gcp-secret-manager",
            "azure-key-vault",
            "vault",
            "ci",
            "existing",
        ]),
        "the manager",
    ),
    Field::optional("key", Text, "its key there"),
];
const RESOURCES: &[Field] = &[
    Field::default("cpu", QUANTITY, "250m", "CPU, as Kubernetes writes it"),
    Field::default(
        "memory",
        QUANTITY,
        "256Mi",
        "memory, as Kubernetes writes it",
    ),
];
const DATABASE: &[Field] = &[
    Field::default(
        "engine",
        PerEnvironment(&OneOf(&["postgresql", "mysql"])),
        "the stack's",
        "postgresql or mysql",
    ),
    Field::optional("version", PerEnvironment(&Scalar), "the engine's version"),
    Field::optional("class", TEXT, "the instance class"),
    Field::optional("storage", PerEnvironment(&Integer(1, 65536)), "GiB"),
    Field::optional("backupRetention", PerEnvironment(&Integer(0, 35)), "days"),
];
const COMMANDS: &[Field] = &[
    Field::default("install", TEXT, "the stack's", "installs the dependencies"),
    Field::default("build", TEXT, "the stack's", "builds"),
    Field::default("test", TEXT, "the stack's", "tests"),
    Field::default("lint", TEXT, "the stack's", "lints"),
    Field::default("typecheck", TEXT, "the stack's", "checks the types"),
    Field::default("migrate", TEXT, "the stack's", "migrates the database"),
    Field::optional("start", TEXT, "starts the service in its container"),
];
const AUTOSCALE: &[Field] = &[
    Field::default("min", COUNT, "the replicas", "the fewest"),
    Field::default(
        "max",
        COUNT,
        "none: it does not scale by itself",
        "the most",
    ),
    Field::default(
        "cpu",
        PerEnvironment(&Either(&[Integer(1, 100), Share])),
        "70%",
        "the use of CPU that is aimed at",
    ),
];

/// The keys that every entry of an `artifacts` list may have.
pub const SHARED: &[Field] = &[
    Field::required("kind", Text, "the kind"),
    Field::default("name", Shape::Name, "the service's", "its name"),
    Field::optional("service", Shape::Name, "the service that it is about"),
    Field::optional(
        "each",
        Either(&[OneOf(&["environments", "services"]), List(&Shape::Name)]),
        "make one for each",
    ),
    Field::optional(
        "environments",
        List(&Shape::Name),
        "which environments; default: all",
    ),
    Field::optional("path", Text, "where to write"),
    Field::default(
        "own",
        OneOf(&["file", "once", "block", "keys"]),
        "file",
        "how much of the file loom owns",
    ),
    ON_DRIFT,
    Field::optional(
        "dependsOn",
        List(&Shape::Address),
        "addresses that come first",
    ),
    Field::default("retain", Bool, "false", "never deleted, only forgotten"),
    Field::optional(
        "replaces",
        Text,
        "the story whose declaration this supersedes",
    ),
    Field::optional(
        "with",
        Map(&Map(&Any)),
        "patches of a blueprint's parts, by address",
    ),
];
