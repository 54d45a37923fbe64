//! A cluster, an identity provider, and the product's own program with its own data folder.

use crate::wire::Wire;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use simulators::cucm::digits::{Dialling, Outcome};
use simulators::database::Database;
use simulators::{B2cSim, CucmSim};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

/// Nothing here waits longer; a condition not met by then is a failure with its name.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct World {
    pub(crate) cucm: Arc<CucmSim>,
    pub(crate) b2c: Arc<B2cSim>,
    pub(crate) url: String,
    /// Lines for `[store]` besides the data folder.
    store: String,
    folder: tempfile::TempDir,
    server: Mutex<Option<Child>>,
    keys: Mutex<std::collections::BTreeMap<String, String>>,
    more: Mutex<More>,
}

/// Lines of the configuration besides the usual ones, and the program's environment.
#[derive(Clone, Default)]
pub(crate) struct More {
    pub(crate) http: String,
    pub(crate) identity: String,
    pub(crate) sections: String,
    pub(crate) environment: Vec<(&'static str, &'static str)>,
}

/// One client for all tests: building one reads hundreds of certificates. It keeps no connection: each test has a runtime
/// of its own, and servers come and go.
pub(crate) fn http() -> reqwest::Client {
    static CLIENT: LazyLock<reqwest::Client> =
        LazyLock::new(|| reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap());
    CLIENT.clone()
}

/// The same, and follows nothing by itself.
pub(crate) fn http_without_redirects() -> reqwest::Client {
    static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
        let client = reqwest::Client::builder().pool_max_idle_per_host(0);
        client.redirect(reqwest::redirect::Policy::none()).build().unwrap()
    });
    CLIENT.clone()
}

/// The demonstration site of `cargo xtask run`.
pub(crate) const DEMO: &str = include_str!("../../../end2end/demo-site.toml");

pub(crate) const SITE: &str = "acme-north";

pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pstn-lockdown"));
    command.stdin(Stdio::null());
    command
}

/// Below the range that systems take outgoing connections from: nothing that a test connects can take it
/// before the server has it. Each once a process.
pub(crate) fn free_port() -> u16 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let next = std::process::id().wrapping_mul(97).wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed));
        let port = 20_000 + u16::try_from(next % 12_000).unwrap();
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The server's folder: where the test runs, not where it was compiled, as two checkouts may share what was.
pub(crate) fn package() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the package is").into()
}

impl World {
    pub(crate) async fn new() -> Self {
        let world = Self::stopped(DEMO, "").await;
        world.serve().await;
        world
    }

    /// Everything but the server; `cucm` adds lines to the section of that name.
    pub(crate) async fn stopped(site: &str, cucm_lines: &str) -> Self {
        let cucm = Arc::new(CucmSim::start("acme-north").await.unwrap());
        let b2c = Arc::new(B2cSim::start(0).unwrap());
        Self::on(cucm, b2c, String::new(), site, cucm_lines)
    }

    /// A server whose store is a database that others may share.
    pub(crate) async fn with_database(database: &Database) -> Self {
        Self::with_database_and(database, More::default()).await
    }

    pub(crate) async fn with_database_and(database: &Database, more: More) -> Self {
        let cucm = Arc::new(CucmSim::start("acme-north").await.unwrap());
        let b2c = Arc::new(B2cSim::start(0).unwrap());
        let store = format!("kind = \"mongodb\"\nmongodb_uri = \"{}\"", database.uri("lockdown"));
        let world = Self::on(cucm, b2c, store, DEMO, "");
        world.set_more(more);
        world.serve().await;
        world
    }

    /// From now on the store is a database.
    pub(crate) fn use_database(&mut self, database: &Database) {
        self.store = format!("kind = \"mongodb\"\nmongodb_uri = \"{}\"", database.uri("lockdown"));
        self.configure(DEMO, "", "axl-lockdown");
    }

    /// Another server of the same site, with a data folder of its own.
    pub(crate) async fn beside(first: &Self) -> Self {
        Self::beside_on(first, first.store.clone()).await
    }

    /// The same, with a line of its own to their database.
    pub(crate) async fn beside_over(wire: &Wire, first: &Self) -> Self {
        let port = |port: u16| format!(":{port}/");
        Self::beside_on(first, first.store.replace(&port(wire.to), &port(wire.port))).await
    }

    async fn beside_on(first: &Self, store: String) -> Self {
        let world = Self::on(first.cucm.clone(), first.b2c.clone(), store, DEMO, "");
        world.keys.lock().unwrap().extend(first.keys.lock().unwrap().clone());
        let more = first.more.lock().unwrap().clone();
        world.set_more(more);
        world.serve().await;
        world
    }

    fn on(cucm: Arc<CucmSim>, b2c: Arc<B2cSim>, store: String, site: &str, cucm_lines: &str) -> Self {
        let port = free_port();
        let folder = tempfile::tempdir().unwrap();
        let world = Self {
            url: format!("http://127.0.0.1:{port}"),
            cucm,
            b2c,
            store,
            folder,
            server: Mutex::new(None),
            keys: Mutex::default(),
            more: Mutex::default(),
        };
        world.configure(site, cucm_lines, "axl-lockdown");
        world
    }

    /// A server of the demonstration site with `more` in its configuration.
    pub(crate) async fn with(more: More) -> Self {
        let world = Self::stopped(DEMO, "").await;
        world.set_more(more);
        world.serve().await;
        world
    }

    pub(crate) fn set_more(&self, more: More) {
        *self.more.lock().unwrap() = more;
        self.configure(DEMO, "", "axl-lockdown");
    }

    pub(crate) fn configure(&self, site: &str, cucm_lines: &str, user: &str) {
        let pin: String = self.cucm.fingerprint().iter().map(|byte| format!("{byte:02X}")).collect();
        let tls =
            if cucm_lines.contains("tls =") { String::new() } else { format!("tls = {{ pin_sha256 = [\"{pin}\"] }}") };
        let more = self.more.lock().unwrap().clone();
        let text = format!(
            "[http]\nlisten = \"{}\"\n{}\n[store]\ndata_dir = \"data\"\n{}\n[cucm]\nurl = \"{}\"\nusername = \"{user}\"\npassword = \"axl-demo\"\n{tls}\ntimeout = \"2s\"\nsweep = \"300ms\"\n{cucm_lines}\n[identity]\nmetadata_url = \"{}\"\nissuer = \"{}\"\nclient_id = \"{}\"\nclient_secret = \"{}\"\n{}\n{}\n{site}",
            self.url.trim_start_matches("http://"),
            more.http,
            self.store,
            self.cucm.url(),
            self.b2c.metadata_url(),
            self.b2c.issuer(),
            simulators::b2c::CLIENT_ID,
            simulators::b2c::CLIENT_SECRET,
            more.identity,
            more.sections,
        );
        std::fs::write(self.config(), text).unwrap();
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("lockdown.toml")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts the server and waits until it answers.
    pub(crate) async fn serve(&self) {
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let server = program()
            .args(["serve", "--config"])
            .arg(self.config())
            .env("LEPTOS_SITE_ROOT", self.folder.path())
            .envs(self.more.lock().unwrap().environment.iter().copied())
            .stderr(log)
            .spawn()
            .unwrap();
        *self.server.lock().unwrap() = Some(server);
        self.until("the server answers", async || http().get(format!("{}/healthz", self.url)).send().await.is_ok())
            .await;
    }

    /// Ends the server as a power cut would.
    pub(crate) fn kill(&self) {
        if let Some(mut server) = self.server.lock().unwrap().take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    /// Stops the server without ending it: it takes connections and answers nothing.
    pub(crate) fn hang(&self) {
        self.signal("-STOP");
    }

    /// It goes on where it was.
    pub(crate) fn wake(&self) {
        self.signal("-CONT");
    }

    /// Asks the server to end, as a service manager would.
    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    /// The server's number at the system.
    pub(crate) fn process(&self) -> u32 {
        self.server.lock().unwrap().as_ref().unwrap().id()
    }

    fn signal(&self, which: &str) {
        let pid = self.process().to_string();
        assert!(Command::new("kill").args([which, &pid]).status().unwrap().success());
    }

    /// Ends the server as a service manager would.
    pub(crate) fn stop(&self) {
        if self.server.lock().unwrap().is_some() {
            self.terminate();
        }
        if let Some(mut server) = self.server.lock().unwrap().take() {
            assert!(server.wait().unwrap().success(), "{}", self.log());
        }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Waits for a condition, looking often at first. Who looks without a pause keeps a small database from all else.
    pub(crate) async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let end = Instant::now() + PATIENCE;
        let mut pause = Duration::from_millis(10);
        while !holds().await {
            assert!(Instant::now() < end, "never came true: {what}\n{}", self.log());
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(80));
        }
    }

    /// Runs the product's command line.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        program().args(words).arg("--config").arg(self.config()).output().unwrap()
    }

    /// A key with these scopes, made once.
    pub(crate) fn key(&self, scopes: &str) -> String {
        let mut keys = self.keys.lock().unwrap();
        keys.entry(scopes.to_owned())
            .or_insert_with(|| {
                let output = self.run(&["clients", "add", "--name", "test", "--scope", scopes, "--json"]);
                let made: Value = serde_json::from_slice(&output.stdout)
                    .unwrap_or_else(|_| panic!("no key: {}", String::from_utf8_lossy(&output.stderr)));
                made["key"].as_str().unwrap().to_owned()
            })
            .clone()
    }

    pub(crate) fn everything(&self) -> String {
        self.key("status:read,lock:enable,lock:release")
    }

    /// Asks again for as long as it asks too often: what is waited for here is something else.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        key: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> (StatusCode, Option<String>, Value) {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.call_once(method.clone(), path, key, body.clone(), headers).await;
            if answer.0 != StatusCode::TOO_MANY_REQUESTS || Instant::now() > end {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn call_once(
        &self,
        method: Method,
        path: &str,
        key: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> (StatusCode, Option<String>, Value) {
        let mut request = http().request(method, format!("{}{path}", self.url)).bearer_auth(key);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let etag = answer.headers().get("etag").map(|v| v.to_str().unwrap().to_owned());
        (answer.status(), etag, answer.json().await.unwrap_or(Value::Null))
    }

    pub(crate) async fn site(&self) -> Value {
        self.call(Method::GET, &format!("/api/v1/sites/{SITE}"), &self.everything(), None, &[]).await.2
    }

    pub(crate) async fn standing(&self) -> String {
        self.site().await["standing"].as_str().unwrap_or("no answer").to_owned()
    }

    pub(crate) async fn until_standing(&self, word: &str) {
        self.until(&format!("standing is {word}"), async || self.standing().await == word).await;
    }

    /// After a whole round of the engine: what it would do about what it saw, it has done.
    pub(crate) async fn looked_again(&self) {
        let read_at = async || self.site().await["reading"]["read_at"].clone();
        for _ in 0..2 {
            let before = read_at().await;
            self.until("it looked again", async || read_at().await != before).await;
        }
    }

    pub(crate) async fn order(&self, desired: &str, wait: &str) -> (StatusCode, Value) {
        let key = self.everything();
        let (_, etag, _) = self.call(Method::GET, &format!("/api/v1/sites/{SITE}"), &key, None, &[]).await;
        let path = format!("/api/v1/sites/{SITE}/lockdown{wait}");
        let body = Some(json!({ "desired": desired }));
        let (code, _, body) = self.call(Method::PUT, &path, &key, body, &[("if-match", &etag.unwrap())]).await;
        (code, body)
    }

    pub(crate) async fn lock_verified(&self) {
        self.order_verified("locked").await;
    }

    pub(crate) async fn release_verified(&self) {
        self.order_verified("normal").await;
    }

    async fn order_verified(&self, desired: &str) {
        let (code, body) = self.order(desired, "?wait=60s").await;
        assert_eq!((code, body["standing"].as_str()), (StatusCode::OK, Some(desired)), "{body}\n{}", self.log());
    }

    pub(crate) async fn events(&self) -> Vec<Value> {
        let body = self.call(Method::GET, "/api/v1/events?limit=500", &self.everything(), None, &[]).await.2;
        body["events"].as_array().cloned().unwrap_or_default()
    }

    pub(crate) async fn happened(&self, what: &str) -> usize {
        self.events().await.iter().filter(|event| event["detail"]["what"] == what).count()
    }

    /// Where does a call go?
    pub(crate) fn dial(&self, css: &str, digits: &str) -> Outcome {
        let each = [Dialling::EnBloc, Dialling::DigitByDigit].map(|how| self.cucm.dial(css, digits, how).outcome);
        assert_eq!(each[0], each[1], "{digits} from {css} depends on how it is dialled");
        each[0].clone()
    }

    /// PSTN calls go to the EOC, emergency calls and the EOC's own go out.
    pub(crate) fn calls_are_locked(&self) {
        let eoc = Outcome::Rings { number: "5911".into() };
        for css in ["CSS-PHONE-LOCAL", "CSS-PHONE-LD", "CSS-PHONE-INTL"] {
            assert_eq!(self.dial(css, "92345678"), eoc, "{css}");
        }
        assert_eq!(self.dial("CSS-PHONE-LD", "914165551234"), eoc);
        assert_eq!(self.dial("CSS-INBOUND", "4035554101"), eoc);
        assert_eq!(self.dial("CSS-FORWARD", "92345678"), Outcome::Blocked, "call forward");
        self.emergency_calls_go_out();
        assert!(matches!(self.dial("CSS-EOC", "92345678"), Outcome::Pstn { .. }), "the EOC calls out");
        assert_eq!(
            self.dial("CSS-INBOUND", "4035559110"),
            Outcome::Rings { number: "4101".into() },
            "a dispatcher calls back"
        );
    }

    pub(crate) fn calls_are_normal(&self) {
        assert!(matches!(self.dial("CSS-PHONE-LD", "914165551234"), Outcome::Pstn { .. }));
        assert!(matches!(self.dial("CSS-FORWARD", "92345678"), Outcome::Pstn { .. }));
        assert_eq!(self.dial("CSS-INBOUND", "4035554101"), Outcome::Rings { number: "4101".into() });
        assert_eq!(self.dial("CSS-PHONE-LD", "919005551234"), Outcome::Blocked, "premium numbers stay blocked");
        self.emergency_calls_go_out();
    }

    pub(crate) fn emergency_calls_go_out(&self) {
        for css in ["CSS-PHONE-LOCAL", "CSS-PHONE-LD", "CSS-PHONE-INTL", "CSS-INTERNAL-ONLY", "CSS-ELEVATOR", "CSS-EOC"]
        {
            for dialled in ["911", "9911", "933", "9933", "988", "9988", "112", "9112", "+911"] {
                for how in [Dialling::EnBloc, Dialling::DigitByDigit] {
                    let went = self.cucm.dial(css, dialled, how).outcome;
                    let out = matches!(&went, Outcome::Pstn { by, .. } if by == "RL-EMERGENCY");
                    assert!(out, "{dialled} from {css} {how:?}: {went:?}");
                }
            }
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(server) = self.server.get_mut().unwrap() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// What was tried and refused, for the summary of `cargo xtask test`.
pub(crate) fn refused(what: &str, count: usize) {
    assert!(count > 0, "{what}: nothing was tried");
    if let Some(folder) = std::env::var_os("LOCKDOWN_COUNTS") {
        std::fs::write(PathBuf::from(folder).join(what), count.to_string()).unwrap();
    }
}
