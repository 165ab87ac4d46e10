//! The user's own policies, asked in a process of their own.
//!
//! In: the texts of policies, then subjects and inputs, one after another. Out: verdicts. The
//! interface is that of [`loom_plan::check::policy`], whose engine runs in the other process: this
//! program again, which reads requests from its standard input and ends with it.
//!
//! Why: the engine counts its steps, but a rule that calls itself overflows the stack, and a builtin
//! can make a value of any size or work on one for any time in a single step. No library can be
//! stopped there; a process can. So it gets [`MEMORY`], and [`SECONDS`] of processor time for each
//! answer, and nothing of the environment; where it dies, the others' work goes on, and the error says
//! of what it died.

use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use loom_plan::check::policy::{self, Source, Subject, Verdict};
use loom_plan::diag::{Code, Diagnostic};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::exit::Exit;

/// The one argument by which the program is told to answer for policies.
const WORKER: &str = "policy-worker";
/// Bytes of address space.
const MEMORY: u64 = 768 << 20;
/// Seconds of processor time for one answer.
const SECONDS: u64 = 10;

/// The first line that goes to the other process.
#[derive(Serialize, Deserialize)]
struct Texts(Vec<Source>);

/// What policies there are, or what is wrong with them.
type Read = Result<Asks, Vec<Diagnosis>>;

/// What was said, or why nothing could be.
type Said = Result<Vec<Verdict>, Diagnosis>;

/// What packages are asked about.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Asks {
    graph: bool,
    files: bool,
}

/// A diagnostic without places, which a policy's never has.
#[derive(Serialize, Deserialize)]
struct Diagnosis {
    message: String,
    help: Option<String>,
}

impl From<Diagnostic> for Diagnosis {
    fn from(found: Diagnostic) -> Self {
        Self {
            message: found.message,
            help: found.help,
        }
    }
}

impl From<Diagnosis> for Diagnostic {
    fn from(found: Diagnosis) -> Self {
        let diagnostic = Self::new(Code::Policy, found.message);
        match found.help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}

/// Policies that were read.
#[derive(Debug)]
pub(crate) struct Policies {
    sources: Vec<Source>,
    asks: Asks,
    /// Processes that wait for a question: as many as were needed at one time.
    idle: Mutex<Vec<Worker>>,
    /// Whether one of them died.
    has_died: AtomicBool,
}

impl Policies {
    /// Reads policies; without any, no process is started.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn read(sources: Vec<Source>) -> Result<Self, Vec<Diagnostic>> {
        let (mut idle, mut asks) = (Vec::new(), Asks::default());
        if !sources.is_empty() {
            let mut worker = Worker::start().map_err(|why| vec![unread(&why)])?;
            asks = worker.read(&sources)?;
            idle.push(worker);
        }
        Ok(Self {
            sources,
            asks,
            idle: Mutex::new(idle),
            has_died: AtomicBool::new(false),
        })
    }

    /// Whether a package is asked about the graph.
    pub(crate) fn asks_about_graph(&self) -> bool {
        self.asks.graph
    }

    /// Whether a package is asked about files.
    pub(crate) fn asks_about_files(&self) -> bool {
        self.asks.files
    }

    /// What the policies say of an input. After an answer that took too much nothing is asked any
    /// more: that one is an error of the whole run, and each further one would take as long.
    ///
    /// # Errors
    /// A policy that cannot be evaluated, does not end, or takes too much.
    pub(crate) fn ask(
        &self,
        subject: &Subject<'_>,
        input: &Value,
    ) -> Result<Vec<Verdict>, Diagnostic> {
        if self.has_died.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        let mut worker = match self.idle().pop() {
            Some(worker) => worker,
            None => self.another()?,
        };
        let said = worker.ask(subject, input);
        if worker.questions.is_some() {
            self.idle().push(worker);
        } else {
            self.has_died.store(true, Ordering::Relaxed);
        }
        said
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Worker>> {
        // what a thread that panicked left is a list of processes all the same
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn another(&self) -> Result<Worker, Diagnostic> {
        let mut worker = Worker::start().map_err(|why| unread(&why))?;
        // they were read before, so that only a machine that is short of something refuses them now
        match worker.read(&self.sources) {
            Ok(_) => Ok(worker),
            Err(found) => Err(found
                .into_iter()
                .next()
                .unwrap_or_else(|| unread(&"no reason"))),
        }
    }
}

fn unread(why: &impl std::fmt::Display) -> Diagnostic {
    Diagnostic::new(
        Code::Policy,
        format!("the policies in `policy/` cannot be read: {why}"),
    )
}

/// A process that answers.
#[derive(Debug)]
struct Worker {
    child: Child,
    /// Closed first, because the process ends with it.
    questions: Option<BufWriter<ChildStdin>>,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    fn start() -> io::Result<Self> {
        // the program as it was started, also where another stands in its place by now
        let itself = if cfg!(target_os = "linux") {
            "/proc/self/exe".into()
        } else {
            std::env::current_exe()?
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "loom itself, and it works on no directory"
        )]
        let mut child = Command::new(itself)
            .arg(WORKER)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (questions, answers) = (child.stdin.take().map(BufWriter::new), child.stdout.take());
        let answers = BufReader::new(answers.ok_or(io::ErrorKind::BrokenPipe)?);
        Ok(Self {
            child,
            questions,
            answers,
        })
    }

    fn read(&mut self, sources: &[Source]) -> Result<Asks, Vec<Diagnostic>> {
        let answer = self.call(&[&to_line(&Texts(sources.to_vec()))]);
        let read: Read = answer.map_err(|why| vec![unread(&why)])?;
        read.map_err(|found| found.into_iter().map(Diagnostic::from).collect())
    }

    fn ask(&mut self, subject: &Subject<'_>, input: &Value) -> Result<Vec<Verdict>, Diagnostic> {
        let answer = self.call(&[&to_line(subject), &to_line(input)]);
        let said: Said = answer.map_err(|why| {
            let name = match subject {
                Subject::Graph => "the graph",
                Subject::File { path, .. } => path,
            };
            let message = format!("a policy: it cannot be evaluated for {name}: {why}");
            Diagnostic::new(Code::Policy, message)
        })?;
        Ok(said?)
    }

    /// One question, and its answer.
    fn call<T: for<'a> Deserialize<'a>>(&mut self, lines: &[&str]) -> Result<T, String> {
        let mut answer = String::new();
        let asked = self.questions.as_mut().map_or(Ok(()), |questions| {
            lines
                .iter()
                .try_for_each(|line| questions.write_all(line.as_bytes()))?;
            questions.flush()
        });
        let answered = asked.and_then(|()| self.answers.read_line(&mut answer));
        match answered {
            Ok(length) if length > 0 => serde_json::from_str(&answer)
                .map_err(|error| format!("its answer cannot be read: {error}")),
            Ok(_) | Err(_) => Err(self.died()),
        }
    }

    /// Of what the process died, in the words of whoever wrote the policy.
    fn died(&mut self) -> String {
        drop(self.questions.take());
        let mut last_words = String::new();
        if let Some(errors) = self.child.stderr.as_mut() {
            // what cannot be read is only one hint less
            drop(errors.take(1 << 16).read_to_string(&mut last_words));
        }
        let status = self.child.wait();
        if last_words.contains("overflowed its stack") {
            "a rule or function calls itself too often".to_owned()
        } else if last_words.contains("memory allocation") {
            format!("it needs more than {} MiB of memory", MEMORY >> 20)
        } else if status.as_ref().is_ok_and(|status| is_out_of_time(*status)) {
            format!("it takes more than {SECONDS} seconds")
        } else {
            let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
            format!("the engine stopped ({status})")
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.questions.take());
        // it ends by itself; where it is gone already there is nothing to wait for
        drop(self.child.wait());
    }
}

fn is_out_of_time(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal() == Some(signal_hook::consts::SIGXCPU)
}

fn to_line(value: &impl Serialize) -> String {
    let mut line = serde_json::to_string(value)
        .expect("texts, lists and mappings with texts as keys are JSON");
    line.push('\n');
    line
}

/// Answers for policies, where the program was started for that.
pub(crate) fn policy_worker() -> Option<Exit> {
    let mut arguments = std::env::args_os().skip(1);
    let is_asked =
        arguments.next().as_deref() == Some(OsStr::new(WORKER)) && arguments.next().is_none();
    is_asked.then(|| match answer_all() {
        Ok(()) => Exit::Done,
        // nobody waits for an answer any more
        Err(_) => Exit::Error,
    })
}

fn answer_all() -> io::Result<()> {
    limit(Resource::As, MEMORY)?;
    limit(Resource::Core, 0)?;
    let (mut questions, mut out) = (io::stdin().lock(), io::stdout().lock());
    let mut line = String::new();
    let mut answer = |value: String| out.write_all(value.as_bytes()).and_then(|()| out.flush());
    questions.read_line(&mut line)?;
    begin_to_count()?;
    let Texts(sources) = serde_json::from_str(&line)?;
    let policies = match policy::Policies::read(&sources) {
        Ok(policies) => policies,
        Err(found) => {
            let found = found.into_iter().map(Diagnosis::from).collect();
            return answer(to_line(&Read::Err(found)));
        }
    };
    let asks = Asks {
        graph: policies.asks_about_graph(),
        files: policies.asks_about_files(),
    };
    answer(to_line(&Read::Ok(asks)))?;
    let mut input = String::new();
    loop {
        line.clear();
        input.clear();
        if questions.read_line(&mut line)? == 0 || questions.read_line(&mut input)? == 0 {
            return Ok(());
        }
        begin_to_count()?;
        let said = serde_json::from_str(&input).map_err(|error| Diagnosis {
            message: format!("the input of the policies cannot be read: {error}"),
            help: None,
        });
        let said: Said = match said {
            Ok(input) => policies
                .ask(&serde_json::from_str(&line)?, &input)
                .map_err(Diagnosis::from),
            Err(found) => Err(found),
        };
        answer(to_line(&said))?;
    }
}

/// From here on, this much of a resource and no more; where the system allows less, that counts.
fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let maximum = getrlimit(resource).maximum;
    let current = Some(maximum.map_or(most, |maximum| maximum.min(most)));
    Ok(setrlimit(resource, Rlimit { current, maximum })?)
}

/// From here on, [`SECONDS`] of processor time.
fn begin_to_count() -> io::Result<()> {
    let used = clock_gettime(ClockId::ProcessCPUTime).tv_sec;
    limit(
        Resource::Cpu,
        u64::try_from(used).unwrap_or_default() + SECONDS,
    )
}
