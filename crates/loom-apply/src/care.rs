//! The cares of the protocol, each of which can be left out to see that the tests would notice.
//!
//! In: `LOOM_SABOTAGE`, in a build for the crash tests alone. Out: whether a care is taken.

/// A care that the protocol takes. The controls of the crash tests leave one out, and must then fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Care {
    /// Contents and journal are durable before the first exchange.
    FirstBarrier,
    /// The exchanges are durable before anything is removed.
    SecondBarrier,
    /// What was displaced is looked at.
    Look,
    /// The slot says what happened, not the path.
    Slot,
}

impl Care {
    /// Whether `LOOM_SABOTAGE` names it; only a build for the crash tests asks.
    #[cfg(feature = "sabotage")]
    #[expect(clippy::disallowed_methods, reason = "not in the product")]
    pub(crate) fn is_sabotaged(self) -> bool {
        let name = match self {
            Self::FirstBarrier => "barrier-1",
            Self::SecondBarrier => "barrier-2",
            Self::Look => "verify",
            Self::Slot => "target",
        };
        std::env::var("LOOM_SABOTAGE").is_ok_and(|named| named == name)
    }

    #[cfg(not(feature = "sabotage"))]
    #[expect(
        clippy::unused_self,
        reason = "a build for the crash tests has another"
    )]
    pub(crate) fn is_sabotaged(self) -> bool {
        false
    }
}
