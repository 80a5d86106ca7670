//! A run with rows on other machines, for a driver in Python: what it carries are sealed bytes.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use kakou::cli::run::{Run as Arguments, document};
use kakou::cli::{Failure, prepare_from};
use kakou::engine::apart::Task;
use kakou::error::{Error, Family};
use kakou::keys;
use kakou::progress::{Progress, stop_flag};
use kakou::run::Run;
use kakou::run::apart::{Asking as RunAsking, Far, Hand as RunHand, Take, TakePart};
use kakou::say;
use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use serde_json::json;

use crate::{Busy, CallError, Watch, tell, told};

fn raised(error: Error) -> PyErr {
    CallError::new_err(told(&Failure::from(error)))
}

/// What Python raised while it carried something: it is raised again when the run has ended.
#[derive(Default)]
struct Kept(Mutex<Option<PyErr>>);

impl Kept {
    fn keep(&self, error: PyErr) -> Error {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        Error::new(
            Family::Interrupted,
            "X0803",
            say!("the driver stopped the run: nothing was published"),
        )
    }
    fn take(&self) -> Option<PyErr> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The keys of a run, for a thread that answers hands.
#[pyclass(frozen)]
pub(crate) struct Giver(Arc<keys::Giver>);

#[pymethods]
impl Giver {
    /// Answers who asks; raises if it does not show that it may open the project key.
    fn answer<'py>(&self, py: Python<'py>, hello: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let reply = self.0.answer(hello).map_err(raised)?;
        Ok(PyBytes::new(py, &reply))
    }
}

fn bytes_of(all: &[PyBackedBytes]) -> Vec<Vec<u8>> {
    all.iter().map(|bytes| bytes.to_vec()).collect()
}

/// A driver in Python: an object with the methods of `Far`.
struct Driver<'a> {
    driver: &'a Py<PyAny>,
    kept: &'a Kept,
    parts: usize,
    watch: &'a Watch,
    progress: Option<&'a Py<PyAny>>,
}

impl Driver<'_> {
    fn ask<T>(
        &self,
        ask: impl for<'py> FnOnce(Python<'py>, &Bound<'py, PyAny>) -> PyResult<T>,
    ) -> kakou::error::Result<T> {
        Python::attach(|py| {
            py.check_signals()?;
            tell(py, self.watch, self.progress)?;
            ask(py, self.driver.bind(py))
        })
        .map_err(|error| self.kept.keep(error))
    }

    /// Takes what an iterator of Python's gives, one after the other.
    fn all<T: for<'py> FromPyObject<'py>>(
        &self,
        method: &str,
        take: &mut dyn FnMut(T) -> kakou::error::Result<()>,
    ) -> kakou::error::Result<()> {
        let iterator: Py<PyAny> =
            self.ask(|_, driver| Ok(driver.call_method0(method)?.try_iter()?.into_any().unbind()))?;
        loop {
            let next = self.ask(|py, _| {
                let next = iterator.bind(py).call_method0("__next__");
                match next {
                    Ok(next) => next.extract::<T>().map(Some),
                    Err(e) if e.is_instance_of::<PyStopIteration>(py) => Ok(None),
                    Err(e) => Err(e),
                }
            })?;
            match next {
                Some(next) => take(next)?,
                None => return Ok(()),
            }
        }
    }
}

impl Far for Driver<'_> {
    fn read(
        &mut self,
        giver: &Arc<keys::Giver>,
        tasks: &[Task],
    ) -> kakou::error::Result<Vec<Vec<u8>>> {
        let tasks = serde_json::to_string(tasks).unwrap_or_default();
        let (told, parts): (Vec<PyBackedBytes>, usize) = self.ask(|py, driver| {
            let giver = Py::new(py, Giver(Arc::clone(giver)))?;
            driver.call_method1("read", (giver, tasks))?.extract()
        })?;
        self.parts = parts;
        Ok(bytes_of(&told))
    }
    fn parts(&self) -> usize {
        self.parts
    }
    fn each(&mut self, take: TakePart<'_>) -> kakou::error::Result<()> {
        self.all("each", &mut |(part, blocks): (usize, Vec<PyBackedBytes>)| {
            take(part, blocks.iter().map(|block| block.to_vec()).collect())
        })
    }
    fn measure(&mut self, draft: &[u8]) -> kakou::error::Result<Vec<Vec<u8>>> {
        let made: Vec<PyBackedBytes> = self.ask(|py, driver| {
            driver.call_method1("measure", (PyBytes::new(py, draft),))?.extract()
        })?;
        Ok(bytes_of(&made))
    }
    fn apply(&mut self, frozen: &[u8]) -> kakou::error::Result<Vec<Vec<u8>>> {
        let told: Vec<PyBackedBytes> = self.ask(|py, driver| {
            driver.call_method1("apply", (PyBytes::new(py, frozen),))?.extract()
        })?;
        Ok(bytes_of(&told))
    }
    fn sorted(&mut self, take: Take<'_>) -> kakou::error::Result<()> {
        self.all("sorted", &mut |piece: PyBackedBytes| take(piece.to_vec()))
    }
    fn forget(&mut self) -> kakou::error::Result<bool> {
        self.ask(|_, driver| driver.call_method0("forget")?.extract())
    }
}

/// A run (`kakou run` with these arguments) whose rows are worked where `driver` says; gives `(json, warnings)`. `begin` gets the id
/// of the release and the path of the project key.
#[pyfunction]
#[pyo3(signature = (arguments, driver, progress=None))]
pub(crate) fn run_apart(
    py: Python<'_>,
    arguments: Vec<String>,
    driver: Py<PyAny>,
    progress: Option<Py<PyAny>>,
) -> PyResult<String> {
    let _busy = Busy::begin()?;
    stop_flag().store(false, std::sync::atomic::Ordering::SeqCst);
    let kept = Kept::default();
    let watch = Watch::default();
    let outcome = py.detach(|| {
        let mut far = Driver {
            driver: &driver,
            kept: &kept,
            parts: 0,
            watch: &watch,
            progress: progress.as_ref(),
        };
        worked(&arguments, &mut far, &watch)
    });
    stop_flag().store(false, std::sync::atomic::Ordering::SeqCst);
    if let Some(error) = kept.take() {
        return Err(error);
    }
    outcome.map_err(|failure| CallError::new_err(told(&failure)))
}

fn worked(
    arguments: &[String],
    far: &mut Driver<'_>,
    progress: &dyn Progress,
) -> Result<String, Failure> {
    let arguments = Arguments::of(arguments)?;
    let policy = prepare_from(&arguments.policy, &arguments.tables)?;
    let sources = policy.loaded.sources.clone();
    let work = || {
        let checked = Run::check(policy, arguments.request(), progress)?;
        let (id, key) = (checked.id().to_owned(), checked.key_file());
        let key = key.map(|key| key.to_string_lossy().into_owned());
        far.ask(|_, driver| driver.call_method1("begin", (id, key)).map(drop))?;
        checked.apart(far)?.prove()?.seal()?.publish()
    };
    let released = work().map_err(|error| Failure::new(error, &sources))?;
    Ok(document(&released).to_string())
}

/// A process that has opened the project key and asks for the keys of a run.
#[pyclass]
pub(crate) struct Asking(Option<RunAsking>);

#[pymethods]
impl Asking {
    /// With the arguments of the run, its id, and the path of its project key.
    #[new]
    fn new(py: Python<'_>, arguments: Vec<String>, run: &str) -> PyResult<Self> {
        py.detach(|| {
            let arguments = Arguments::of(&arguments)?;
            let policy = prepare_from(&arguments.policy, &arguments.tables)?;
            RunAsking::new(policy, &arguments.request(), run).map_err(Failure::from)
        })
        .map(|asking| Asking(Some(asking)))
        .map_err(|failure: Failure| CallError::new_err(told(&failure)))
    }

    /// What to send.
    fn hello<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.as_ref().map(|asking| PyBytes::new(py, &asking.hello()))
    }

    /// Takes the answer. The hand keeps parts that it worked on as far as they take `keep` bytes.
    fn enter(&mut self, reply: &[u8], keep: u64) -> PyResult<Hand> {
        let asking = self.0.take().ok_or_else(|| CallError::new_err("{}"))?;
        let hand = asking.enter(reply, keep).map_err(raised)?;
        Ok(Hand { hand: Mutex::new(Some(Arc::new(hand))) })
    }
}

/// A process that works on rows of a run.
#[pyclass(frozen)]
pub(crate) struct Hand {
    hand: Mutex<Option<Arc<RunHand>>>,
}

impl Hand {
    fn get(&self) -> PyResult<Arc<RunHand>> {
        let hand = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
        hand.as_ref().map(Arc::clone).ok_or_else(|| {
            raised(Error::environment(
                "X0804",
                say!("the keys of the run are overwritten: it has ended"),
            ))
        })
    }
}

#[pymethods]
impl Hand {
    /// Reads files of a table that follow one another (tasks as a JSON list) into blocks: an iterator of `(part, bytes)`, of which the
    /// last has the part -1 and tells of them.
    fn read(&self, tasks: &str, parts: usize) -> PyResult<Pieces> {
        let tasks: Vec<Task> = serde_json::from_str(tasks).map_err(|_| CallError::new_err("{}"))?;
        let hand = self.get()?;
        Pieces::of(move |emit| hand.read(&tasks, parts, emit).map(Some))
    }

    /// Measures a part.
    fn measure<'py>(
        &self,
        py: Python<'py>,
        draft: &[u8],
        part: usize,
        blocks: Vec<PyBackedBytes>,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let hand = self.get()?;
        let made = py.detach(|| hand.measure(draft, part, &blocks)).map_err(raised)?;
        Ok(made.map(|bytes| PyBytes::new(py, &bytes)))
    }

    /// Merges statistics.
    fn merge<'py>(
        &self,
        py: Python<'py>,
        draft: &[u8],
        all: Vec<PyBackedBytes>,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let hand = self.get()?;
        let made = py.detach(|| hand.merge(draft, &all)).map_err(raised)?;
        Ok(made.map(|bytes| PyBytes::new(py, &bytes)))
    }

    /// Applies the frozen plan to a part: an iterator of `(range, bytes)`, of which the last has the range -1 and tells of it.
    fn apply(
        &self,
        frozen: PyBackedBytes,
        part: usize,
        blocks: Vec<PyBackedBytes>,
        ranges: usize,
    ) -> PyResult<Pieces> {
        let hand = self.get()?;
        Pieces::of(move |emit| hand.apply(&frozen, part, &blocks, ranges, emit))
    }

    /// Sorts a range.
    fn sort<'py>(
        &self,
        py: Python<'py>,
        blocks: Vec<PyBackedBytes>,
    ) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let hand = self.get()?;
        let made = py.detach(|| hand.sort(&blocks)).map_err(raised)?;
        Ok(made.iter().map(|bytes| PyBytes::new(py, bytes)).collect())
    }

    /// Whether the keys are in locked memory.
    fn locked(&self) -> PyResult<bool> {
        Ok(self.get()?.in_locked_memory())
    }

    /// Overwrites the keys; false if some work still holds them.
    fn forget(&self) -> bool {
        let mut hand = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
        match hand.take().map(Arc::try_unwrap) {
            None | Some(Ok(_)) => true,
            Some(Err(held)) => {
                *hand = Some(held);
                false
            }
        }
    }
}

type Piece = (i64, Vec<u8>);

/// Pieces that a thread makes while Python carries those before.
#[pyclass]
pub(crate) struct Pieces {
    pieces: Mutex<Option<Receiver<Piece>>>,
    worker: Mutex<Option<JoinHandle<Result<(), Error>>>>,
}

impl Pieces {
    fn of(
        work: impl FnOnce(
            &mut dyn FnMut(usize, Vec<u8>) -> kakou::error::Result<()>,
        ) -> kakou::error::Result<Option<Vec<u8>>>
        + Send
        + 'static,
    ) -> PyResult<Self> {
        let (give, pieces): (SyncSender<Piece>, _) = sync_channel(4);
        let worker = std::thread::Builder::new()
            .name("kakou-hand".to_owned())
            .spawn(move || {
                // Nobody takes them any more if the task was given up.
                let gone =
                    || Error::new(Family::Interrupted, "X0805", say!("the task was given up"));
                let mut emit = |at: usize, bytes| give.send((at as i64, bytes)).map_err(|_| gone());
                match work(&mut emit)? {
                    Some(told) => give.send((-1, told)).map_err(|_| gone()),
                    None => Ok(()),
                }
            })
            .map_err(|e| CallError::new_err(json!({ "what": e.kind().to_string() }).to_string()))?;
        Ok(Pieces { pieces: Mutex::new(Some(pieces)), worker: Mutex::new(Some(worker)) })
    }
}

#[pymethods]
impl Pieces {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<(i64, Bound<'py, PyBytes>)>> {
        let next = py.detach(|| {
            let mut pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
            let next = pieces.as_ref().and_then(|pieces| pieces.recv().ok());
            if next.is_none() {
                *pieces = None;
            }
            next
        });
        if let Some((at, bytes)) = next {
            return Ok(Some((at, PyBytes::new(py, &bytes))));
        }
        let worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        match worker.map(|worker| py.detach(|| worker.join())) {
            None | Some(Ok(Ok(()))) => Ok(None),
            Some(Ok(Err(error))) => Err(raised(error)),
            Some(Err(_)) => Err(raised(Error::environment(
                "X0806",
                say!("an internal error in a task (its place is on standard error)"),
            ))),
        }
    }
}
