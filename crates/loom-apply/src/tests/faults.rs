//! Faults: the k-th change fails, or all from the k-th on; and what others do at the worst time.

use std::io;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard};

use crate::care::Care;

/// Which changes fail, and how many were asked for.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Script>);

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Faults")
    }
}

#[derive(Default)]
struct Script {
    asked: usize,
    fail: Option<Range<usize>>,
    fired: Vec<&'static str>,
    has_no_exchange: bool,
    left_out: Option<Care>,
    tears: bool,
    before: Option<(&'static str, usize, Meanwhile)>,
}

type Meanwhile = Box<dyn FnOnce() + Send>;

impl Faults {
    /// Lets the changes of `numbers` fail, counted from now at 0.
    pub(crate) fn fail(&self, numbers: Range<usize>) {
        let mut script = self.lock();
        (script.asked, script.fail) = (0, Some(numbers));
    }

    /// As [`Faults::fail`] from `number` on: the process is killed there. A write is torn in the middle.
    pub(crate) fn kill(&self, number: usize) {
        self.fail(number..usize::MAX);
        self.lock().tears = true;
    }

    /// Whether half of what was to be written is there although the call failed; once.
    pub(crate) fn tears(&self) -> bool {
        std::mem::take(&mut self.lock().tears)
    }

    /// How many changes were asked for since [`Faults::fail`].
    pub(crate) fn asked(&self) -> usize {
        self.lock().asked
    }

    /// From now on the system has no exchange.
    pub(crate) fn lack_exchange(&self) {
        self.lock().has_no_exchange = true;
    }

    /// From now on a care of the protocol is not taken.
    pub(crate) fn leave_out(&self, care: Care) {
        self.lock().left_out = Some(care);
    }

    pub(crate) fn leaves_out(&self, care: Care) -> bool {
        self.lock().left_out == Some(care)
    }

    /// The calls that failed so far; none fails from now on.
    pub(crate) fn heal(&self) -> Vec<&'static str> {
        let mut script = self.lock();
        script.fail = None;
        std::mem::take(&mut script.fired)
    }

    /// Lets something happen once, after `skip` calls of this name and right before the next.
    pub(crate) fn before(
        &self,
        call: &'static str,
        skip: usize,
        happens: impl FnOnce() + Send + 'static,
    ) {
        self.lock().before = Some((call, skip, Box::new(happens)));
    }

    pub(crate) fn step(&self, call: &'static str) -> io::Result<()> {
        let mut script = self.lock();
        match script.before.take() {
            Some((name, 0, happens)) if name == call => happens(),
            Some((name, skip, happens)) if name == call => {
                script.before = Some((name, skip - 1, happens));
            }
            other => script.before = other,
        }
        let number = script.asked;
        script.asked += 1;
        if script
            .fail
            .as_ref()
            .is_some_and(|numbers| numbers.contains(&number))
        {
            script.fired.push(call);
            return Err(io::Error::other("injected"));
        }
        if script.has_no_exchange && call == "exchange" {
            return Err(rustix::io::Errno::INVAL.into());
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Script> {
        self.0
            .lock()
            .expect("no test panics while it holds the script")
    }
}
