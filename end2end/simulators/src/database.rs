//! A MongoDB of a test's own: a process that can be killed, hung and started again on its data.
//!
//! Which program: `LOCKDOWN_MONGOD`; else `mongod` on the path, as a replica set of one; else the
//! wire-compatible server that `cargo xtask test` installs. Never silently none.

use mongodb::Client;
use mongodb::bson::doc;
use parking_lot::Mutex;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Starting takes a few seconds on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A database process with its own data folder on a port of its own.
pub struct Database {
    program: Program,
    folder: tempfile::TempDir,
    port: u16,
    process: Mutex<Option<Child>>,
}

#[derive(Clone)]
enum Program {
    /// MongoDB itself.
    Mongod(PathBuf),
    /// SecantusDB: speaks the wire protocol, for tests only.
    Compatible(PathBuf),
}

impl Database {
    /// Starts one and waits until it takes writes.
    ///
    /// # Errors
    /// When there is no program, or it does not come up.
    pub async fn start() -> io::Result<Self> {
        let program = Program::find()?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        drop(listener);
        let database = Self { program, folder: tempfile::tempdir()?, port, process: Mutex::new(None) };
        database.resume().await?;
        Ok(database)
    }

    /// Which program it is.
    pub fn program(&self) -> &Path {
        match &self.program {
            Program::Mongod(path) | Program::Compatible(path) => path,
        }
    }

    /// Where it listens, on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address, for the database `name`.
    pub fn uri(&self, name: &str) -> String {
        // Polling: the compatible server's errors lack what a streaming monitor wakes by.
        format!(
            "mongodb://127.0.0.1:{}/{name}?directConnection=true&serverMonitoringMode=poll&heartbeatFrequencyMS=500",
            self.port
        )
    }

    /// As a power cut would.
    pub fn kill(&self) {
        if let Some(mut process) = self.process().take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// It is there, and answers nothing any more.
    pub fn hang(&self) {
        self.signal("-STOP");
        // The signal is on its way: a thread of it may be answering still.
        while self.is_running() {
            std::thread::yield_now();
        }
    }

    /// False where it is stopped, or where the system does not say.
    fn is_running(&self) -> bool {
        let Some(id) = self.process().as_ref().map(Child::id) else { return false };
        let threads = std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
        let state = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("stat")).ok();
        threads.filter_map(state).any(|text| !text.rsplit(')').next().unwrap_or_default().starts_with(" T"))
    }

    pub fn wake(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        if let Some(process) = self.process().as_ref() {
            let _ = Command::new("kill").args([signal, &process.id().to_string()]).status();
        }
    }

    /// Starts it again on its data, unless it runs.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn resume(&self) -> io::Result<()> {
        if self.process().is_some() {
            return Ok(());
        }
        let log = std::fs::File::create(self.folder.path().join("log"))?;
        let child = self
            .program
            .command(&self.folder.path().join("data"), self.port)?
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        *self.process() = Some(child);
        let end = Instant::now() + PATIENCE;
        while !self.answers().await {
            let ended = self.process().as_mut().and_then(|process| process.try_wait().ok().flatten());
            if ended.is_some() || Instant::now() > end {
                let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                return Err(io::Error::other(format!("{} did not start: {log}", self.program().display())));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    async fn answers(&self) -> bool {
        let uri = format!("{}&serverSelectionTimeoutMS=500&connectTimeoutMS=500", self.uri("admin"));
        let Ok(client) = Client::with_uri_str(uri).await else { return false };
        let admin = client.database("admin");
        let Ok(hello) = admin.run_command(doc! { "hello": 1 }).await else { return false };
        if hello.get_bool("isWritablePrimary").unwrap_or(false) {
            return true;
        }
        if matches!(self.program, Program::Mongod(_)) {
            let member = doc! { "_id": 0, "host": format!("127.0.0.1:{}", self.port) };
            // Refused once it is done; hello says so the next time.
            let _ = admin.run_command(doc! { "replSetInitiate": { "_id": "rs0", "members": [member] } }).await;
        }
        false
    }

    fn process(&self) -> parking_lot::MutexGuard<'_, Option<Child>> {
        self.process.lock()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Program {
    fn find() -> io::Result<Self> {
        if let Some(path) = std::env::var_os("LOCKDOWN_MONGOD").map(PathBuf::from) {
            let compatible = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("secantusd"));
            return Ok(if compatible { Self::Compatible(path) } else { Self::Mongod(path) });
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        if let Some(found) = std::env::split_paths(&path).map(|folder| folder.join("mongod")).find(|file| file.exists())
        {
            return Ok(Self::Mongod(found));
        }
        let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        let installed = home.join(".local/share/pstn-lockdown/python/bin/secantusd-py");
        if installed.exists() {
            return Ok(Self::Compatible(installed));
        }
        Err(io::Error::other(
            "these tests need a MongoDB: put mongod on the path, or run `cargo xtask test`, which installs a compatible server",
        ))
    }

    fn command(&self, data: &Path, port: u16) -> io::Result<Command> {
        std::fs::create_dir_all(data)?;
        let port = port.to_string();
        let mut command;
        match self {
            Self::Mongod(path) => {
                command = Command::new(path);
                command.args([
                    "--bind_ip",
                    "127.0.0.1",
                    "--port",
                    &port,
                    "--replSet",
                    "rs0",
                    "--wiredTigerCacheSizeGB",
                    "0.25",
                ]);
                command.arg("--dbpath").arg(data);
            }
            Self::Compatible(path) => {
                command = Command::new(path);
                // Without sync-on-commit an acknowledged write may be lost when it is killed.
                command.args(["--host", "127.0.0.1", "--port", &port, "--sync-on-commit", "--cache-size", "256M"]);
                command.arg("--storage-path").arg(data);
            }
        }
        command.stdin(Stdio::null());
        Ok(command)
    }
}
