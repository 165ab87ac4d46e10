//! What a kind tells of one of its artifacts, for whoever reads a handoff.
//!
//! In: nothing; these are words. A provider says them of an artifact's settings, in the terms of
//! its format; what follows from several of them together is said by [`super::rules`].

use std::sync::Arc;

/// One thing that an artifact shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub what: What,
    /// The output that shows it, by its name.
    pub output: Arc<str>,
}

impl Fact {
    /// A fact that an output shows.
    pub fn new(what: What, output: impl Into<Arc<str>>) -> Self {
        Self {
            what,
            output: output.into(),
        }
    }
}

/// What an artifact can show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A pipeline checks every change, by what is done, in order: `lint`, `test`.
    Checks(Vec<String>),
    /// A pipeline deploys to an environment.
    Deployment {
        /// The environment.
        environment: String,
        /// The program that runs the pipeline, for people: `GitHub Actions`.
        through: &'static str,
        /// The environments that are deployed to before, in the same run.
        after: Vec<String>,
    },
    /// A deployment goes no further where the service does not answer.
    HealthGate,
    /// The pipeline comes to the cloud without a key that lasts.
    ShortLivedCredentials,
    /// The pipeline reads settings that no file of the repository can hold.
    OutsideSettings {
        /// The program that has them, for people: `GitHub`.
        of: &'static str,
        /// Their names.
        names: Vec<String>,
    },
    /// Two colours of a service are there, and one of them serves.
    BlueGreen,
    /// Secrets come from a manager.
    ManagedSecrets,
    /// Infrastructure, for people: `AWS RDS for PostgreSQL`.
    Infrastructure(String),
    /// The root of a configuration, which somebody applies.
    Root {
        /// Where its state is, as a text that equal places share; `None` where that is beside it.
        state: Option<String>,
    },
    /// A dashboard.
    Dashboard,
    /// An alert, by its title. Text of people may be in it.
    Alert(String),
    /// How to go back to an earlier version.
    Rollback,
}
