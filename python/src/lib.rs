//! What the Python package needs of the program: call a command, watch it, stop it. Everything else is Python.

mod apart;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kakou::cli::call::{Heard, call};
use kakou::progress::{Progress, stop_flag};
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyKeyboardInterrupt};
use pyo3::prelude::*;
use serde_json::json;

#[global_allocator]
static ALLOCATOR: kakou::memory::Counted = kakou::memory::Counted;

create_exception!(
    _kakou,
    CallError,
    PyException,
    "A command that failed: its error as a JSON text."
);

/// How often Python is asked whether the user pressed Ctrl-C, and told of the progress.
const LOOK: Duration = Duration::from_millis(50);

/// What has happened since Python looked last.
#[derive(Default)]
struct Watch {
    stages: Mutex<Vec<&'static str>>,
    rows: std::sync::atomic::AtomicU64,
}

impl Progress for Watch {
    fn stage(&self, name: &'static str) {
        if let Ok(mut stages) = self.stages.lock() {
            stages.push(name);
        }
    }
    fn rows(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }
}

/// One command at a time: they share the flag that stops them.
static BUSY: AtomicBool = AtomicBool::new(false);

struct Busy;

impl Busy {
    fn begin() -> PyResult<Self> {
        if BUSY.swap(true, Ordering::SeqCst) {
            return Err(CallError::new_err(
                json!({ "error": { "code": "X0802", "family": "environment",
                    "what": "another command runs in this process; one at a time" } })
                .to_string(),
            ));
        }
        Ok(Busy)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        BUSY.store(false, Ordering::SeqCst);
    }
}

/// Runs a command in a thread of its own, without Python's lock; gives `(json, text, warnings)`.
///
/// `progress` is called as `progress(stage: str | None, rows: int)`; what it raises stops the command.
#[pyfunction]
#[pyo3(signature = (arguments, progress=None))]
fn command(
    py: Python<'_>,
    arguments: Vec<String>,
    progress: Option<Py<PyAny>>,
) -> PyResult<(String, String, Vec<[String; 2]>)> {
    let _busy = Busy::begin()?;
    let stop = stop_flag();
    stop.store(false, Ordering::SeqCst);
    let watch = Arc::new(Watch::default());
    let seen: Arc<dyn Progress + Send + Sync> = Arc::<Watch>::clone(&watch) as _;
    let worker = std::thread::Builder::new()
        .name("kakou".to_owned())
        .spawn(move || call(&arguments, Some(seen)).map_err(|failure| told(&failure)))
        .map_err(|e| CallError::new_err(format!("{{\"error\":{{\"what\":\"{}\"}}}}", e.kind())))?;
    let mut raised: Option<PyErr> = None;
    while !worker.is_finished() {
        py.detach(|| std::thread::sleep(LOOK));
        let looked = py.check_signals().and_then(|()| tell(py, &watch, progress.as_ref()));
        if let Err(error) = looked
            && raised.is_none()
        {
            stop.store(true, Ordering::SeqCst);
            raised = Some(error);
        }
    }
    let outcome = worker.join();
    stop.store(false, Ordering::SeqCst);
    if let Some(error) = raised {
        return Err(error);
    }
    tell(py, &watch, progress.as_ref())?;
    match outcome {
        Ok(Ok(Heard { json, text, warnings })) => Ok((json.to_string(), text, warnings)),
        Ok(Err(error)) => Err(CallError::new_err(error)),
        Err(_) => Err(PyKeyboardInterrupt::new_err("the command ended unexpectedly")),
    }
}

fn tell(py: Python<'_>, watch: &Watch, progress: Option<&Py<PyAny>>) -> PyResult<()> {
    let stages = watch.stages.lock().map(|mut s| std::mem::take(&mut *s)).unwrap_or_default();
    let rows = watch.rows.swap(0, Ordering::Relaxed);
    let Some(progress) = progress else { return Ok(()) };
    if rows > 0 {
        progress.call1(py, (None::<&str>, rows))?;
    }
    for stage in stages {
        progress.call1(py, (Some(stage), 0_u64))?;
    }
    Ok(())
}

fn told(failure: &kakou::cli::Failure) -> String {
    json!({ "error": failure.error(), "shown": failure.rendered() }).to_string()
}

/// The program itself, with the process's arguments after the first; gives its exit code.
#[pyfunction]
fn main(py: Python<'_>, arguments: Vec<String>) -> u8 {
    py.detach(|| kakou::cli::main_of(std::iter::once("kakou".to_owned()).chain(arguments)))
}

/// The names and texts of the shipped policies.
#[pyfunction]
fn shipped() -> Vec<(String, String)> {
    let all = kakou::policy::shipped::SHIPPED.iter();
    all.map(|policy| (policy.name.to_owned(), policy.text.to_owned())).collect()
}

#[pymodule]
fn _kakou(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("CallError", module.py().get_type::<CallError>())?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(command, module)?)?;
    module.add_function(wrap_pyfunction!(main, module)?)?;
    module.add_function(wrap_pyfunction!(apart::run_apart, module)?)?;
    module.add_class::<apart::Asking>()?;
    module.add_class::<apart::Hand>()?;
    module.add_class::<apart::Giver>()?;
    module.add_class::<apart::Pieces>()?;
    module.add_function(wrap_pyfunction!(shipped, module)?)
}
