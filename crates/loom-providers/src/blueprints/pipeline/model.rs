//! What a pipeline does, apart from the CI that does it.
//!
//! Texts are as they are to be written: those of people are guarded already (see `read`), those
//! that stand for a variable of the CI are its expressions.

use loom_plan::stack::Strategy;

use crate::toolchain::Toolchain;

/// A pipeline.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    /// The service.
    pub(super) service: String,
    /// Its name for people.
    pub(super) title: String,
    /// The branches that start it.
    pub(super) branches: Vec<String>,
    /// The paths that start it; empty is any.
    pub(super) paths: Vec<String>,
    /// Whether a person can start it.
    pub(super) start: Start,
    /// What must pass first.
    pub(super) checks: Option<Checks>,
    /// What is deployed.
    pub(super) image: Image,
    /// How a version takes over.
    pub(super) strategy: Strategy,
    /// Where it is deployed, in order of promotion.
    pub(super) stages: Vec<Stage>,
}

/// Who starts a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Only a change of the code.
    Change,
    /// A person too.
    ChangeOrPerson,
}

/// What must pass before an image is built.
#[derive(Clone, Debug)]
pub(super) struct Checks {
    /// Where the commands run; `.` is the root.
    pub(super) directory: String,
    /// What they run with.
    pub(super) toolchain: Toolchain,
    /// The name of each, and the command.
    pub(super) commands: Vec<(&'static str, String)>,
    /// The database that the tests find at `DATABASE_URL`.
    pub(super) database: Option<TestDatabase>,
}

/// An empty database beside the tests.
#[derive(Clone, Debug)]
pub(super) struct TestDatabase {
    /// `postgresql` or `mysql`.
    pub(super) engine: Engine,
    /// Its image.
    pub(super) image: String,
}

/// An engine that tests can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    /// `postgresql`
    Postgresql,
    /// `mysql`
    Mysql,
}

/// Where the image comes from.
#[derive(Clone, Debug)]
pub(super) enum Image {
    /// It is built here.
    Built(Build),
    /// It is built elsewhere, and called so.
    Given(String),
}

/// How an image is built and where it is pushed.
#[derive(Clone, Debug)]
pub(super) struct Build {
    /// The Dockerfile.
    pub(super) dockerfile: String,
    /// The registry's host.
    pub(super) registry: String,
    /// What the image is called in it.
    pub(super) path: String,
    /// How one signs in.
    pub(super) login: Login,
}

/// How one signs in to a registry.
#[derive(Clone, Debug)]
pub(super) enum Login {
    /// By the role that the token of GitHub gives.
    Ecr(Role),
    /// By the token of the run.
    Ghcr,
    /// By a name and a password that the repository keeps.
    Password,
}

/// An AWS role, and the region in which it is used.
#[derive(Clone, Debug)]
pub(super) struct Role {
    /// Its ARN.
    pub(super) arn: String,
    /// The region.
    pub(super) region: String,
}

/// One deployment.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    /// The environment.
    pub(super) environment: String,
    /// Where the service answers.
    pub(super) url: Option<String>,
    /// The port and health path; `None` where nothing listens.
    pub(super) health: Option<(i64, String)>,
    /// The directory of the manifests.
    pub(super) manifests: String,
    /// The namespace.
    pub(super) namespace: String,
    /// How the cluster is reached.
    pub(super) access: Access,
    /// The branches that deploy to it, where it has branches of its own.
    pub(super) branches: Option<Vec<String>>,
    /// What changes the database first.
    pub(super) migrate: Option<String>,
}

/// How a cluster is reached.
#[derive(Clone, Debug)]
pub(super) enum Access {
    /// Amazon EKS.
    Eks {
        /// Who asks.
        role: Role,
        /// The cluster's name.
        cluster: String,
    },
    /// Amazon ECS.
    Ecs {
        /// Who asks.
        role: Role,
        /// The cluster's name.
        cluster: String,
    },
    /// By a kubeconfig that the environment's secrets keep.
    Kubeconfig,
}
