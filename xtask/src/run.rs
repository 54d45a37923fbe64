//! `cargo xtask run`: simulators in their own process, the real server against them, demo people.

use crate::command::{cargo, output, program, root, say, target};
use crate::needs::{self, Need};
use crate::{progress, site};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Programs that were started, ended when this is dropped.
pub(crate) struct World {
    pub(crate) url: String,
    pub(crate) simulators: Value,
    pub(crate) folder: PathBuf,
    /// The browser side that its server serves.
    site: PathBuf,
    /// What the tests of the whole product need to know.
    pub(crate) whole: Value,
    children: Vec<Child>,
}

/// The application as both identity providers know it.
const CLIENT_ID: &str = "63d19d63-e3fe-4b9c-8e4a-2b2b9a7d3a10";
const CLIENT_SECRET: &str = "an-independent-secret";

/// Where the demonstration may send news: a receiver on this machine, if there is one.
pub(crate) const RECEIVER: &str = "http://127.0.0.1:9911";

/// The demonstration site.
const DEMO: &str = include_str!("../../end2end/demo-site.toml");

/// Where its lock is practised.
const DRILL: &str = include_str!("../../end2end/drill-site.toml");

/// The demonstration site without its toll-free step, and a second site that has only this one, where
/// two seniors must give the all-clear.
fn two_sites() -> String {
    let steps: Vec<&str> = DEMO.split("[[site.step]]").collect();
    let tollfree = |step: &&str| step.contains("PT-PSTN-TOLLFREE");
    let north: Vec<&str> = steps.iter().copied().filter(|step| !tollfree(step)).collect();
    let south = steps[0].replace("acme-north", "acme-south").replace("Acme North", "Acme South");
    let south = south.replace("name = \"Acme South\"", "name = \"Acme South\"\nrelease_by_two = true");
    let only: String = steps.iter().copied().filter(tollfree).collect();
    format!("{}\n{south}[[site.step]]{only}", north.join("[[site.step]]"))
}

/// Whose manners the independent identity provider has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    B2c,
    External,
}

impl Style {
    fn word(self) -> &'static str {
        if self == Self::B2c { "b2c" } else { "external" }
    }

    fn preset(self) -> &'static str {
        if self == Self::B2c { "b2c" } else { "entra_external_id" }
    }
}

/// The provider's own program may call `/api/v1` with its tokens.
fn token_api(provider: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!(
        "[identity.api]\naudience = \"{}\"\nscopes = {{ \"Status.Read\" = \"status:read\", \"Lock.Enable\" = \"lock:enable\" }}\n[[identity.api.client]]\nname = \"control room\"\nazp = \"{}\"\nsubject = \"{}\"\n",
        text(&provider["api"]),
        text(&provider["machine"]["client_id"]),
        text(&provider["machine"]["subject"]),
    )
}

impl Drop for World {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(crate) fn run() -> Result<()> {
    let started = Instant::now();
    needs::all_there(&[Need::Compiler, Need::Wasm])?;
    let site = build_with(site::Build::Quick)?;
    let world = World::start(&target().join("demo"), &site, 3000)?;
    if !world.url.ends_with(":3000") {
        println!("\n  Port 3000 is taken: it is {} this time.", world.url);
    }
    println!("\n  {}            the public page", world.url);
    println!("  {}/console    the EOC’s page\n", world.url);
    println!("  Sign in as (the simulated identity provider asks for no password):");
    for person in world.simulators["people"].as_array().into_iter().flatten() {
        println!("    {:<12} {}", person["name"].as_str().unwrap_or(""), person["note"].as_str().unwrap_or(""));
    }
    let control = world.simulators["control"].as_str().unwrap_or("");
    println!("\n  Write to the bot and press its cards as any of them, in a simulated Webex:");
    println!("    {}", world.simulators["webex"]["page"].as_str().unwrap_or(""));
    println!("\n  The agents’ desktop with the gadget in it, in a simulated Finesse:");
    println!("    {}", world.simulators["finesse"]["origins"][0].as_str().unwrap_or(""));
    println!("\n  Desk phones of the EOC, simulated (EOC 1’s own asks for the PIN that is set on {}/me):", world.url);
    println!("    {}", world.phone_page());
    println!("\n  Where does a call go now?");
    println!("    curl '{control}/sim/dial?css=CSS-PHONE-LD&digits=914035551234'");
    println!("    curl '{control}/sim/dial?css=CSS-PHONE-LD&digits=9911'\n");
    println!("  Ready after {:.1} s. Ctrl-C stops everything.", started.elapsed().as_secs_f32());
    world.until_stopped()
}

/// What is compiled for this machine, always together: each crate that they share is compiled once, with one set of
/// features. As they ship, server and browser side are built by themselves (`cargo xtask deb`).
pub(crate) const NATIVE: [&str; 14] = [
    "--package",
    "server",
    "--package",
    "engine",
    "--package",
    "axl",
    "--package",
    "limit",
    "--package",
    "simulators",
    "--package",
    "app",
    "--package",
    "lockdown",
];

/// Server and simulators.
pub(crate) fn build() -> Result<()> {
    progress::cargo("server and simulators", cargo().arg("build").args(NATIVE))
}

/// The same, and beside them the browser side. Returns where that is.
pub(crate) fn build_with(site: site::Build) -> Result<PathBuf> {
    say("building (some minutes the first time)");
    std::thread::scope(|scope| {
        let site = scope.spawn(move || site.make());
        let native = build();
        let site = site.join().unwrap_or_else(|_| bail!("the browser side was not built"));
        match (native, site) {
            (Err(native), Err(site)) => bail!("{native:#}\n{site:#}"),
            (native, site) => native.and(site),
        }
    })
}

pub(crate) fn binary(name: &str) -> PathBuf {
    target().join("debug").join(name)
}

impl World {
    /// Starts simulators and a server with its data in `folder` and the browser side of `site`, on `port` (or the next
    /// free one, if it is taken).
    pub(crate) fn start(folder: &Path, site: &Path, port: u16) -> Result<Self> {
        let files = folder.join("finesse");
        fs::create_dir_all(&files)?;
        let mut world = Self::simulators_only(folder, &["--finesse-files", &files.to_string_lossy()])?;
        site.clone_into(&mut world.site);
        let port = free(port)?;
        // A name, not an address: browsers give passkeys to names only.
        world.url = format!("http://localhost:{port}");
        fs::write(folder.join("lockdown.toml"), world.configuration(port))?;
        world.seed_people()?;
        world.start_server()?;
        world.upload_gadget(&files)?;
        Ok(world)
    }

    /// The outside world alone.
    pub(crate) fn simulators_only(folder: &Path, words: &[&str]) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let mut simulators = Command::new(binary("simulators"))
            .args(words)
            .arg("--certificate")
            .arg(folder.join("cucm.pem"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the simulators could not be started")?;
        let said = first_line(&mut simulators)?;
        Ok(Self {
            url: String::new(),
            simulators: serde_json::from_str(&said)
                .context("the simulators said something else than their addresses")?,
            folder: folder.to_owned(),
            site: PathBuf::new(),
            whole: Value::Null,
            children: vec![simulators],
        })
    }

    /// The product as a site runs it: MongoDB, an independent identity provider, two sites. What the
    /// tests need to know of it is [`World::whole`].
    pub(crate) fn start_whole(folder: &Path, site: &Path, style: Style) -> Result<Self> {
        let mut world = Self::simulators_only(folder, &[])?;
        site.clone_into(&mut world.site);
        let port = free(0)?;
        let database = free(0)?;
        world.url = format!("http://localhost:{port}");
        let provider = world.start_provider(style)?;
        let command = world.start_database(database)?;
        let identity = format!(
            "[identity]\npreset = \"{}\"\nmetadata_url = \"{}\"\nissuer = \"{}\"\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\"\nprobe = \"500ms\"\nsite_networks = [\"127.0.0.1\", \"::1\"]\n{}",
            style.preset(),
            provider["metadata_url"].as_str().unwrap_or_default(),
            provider["issuer"].as_str().unwrap_or_default(),
            token_api(&provider),
        );
        let store = format!(
            "kind = \"mongodb\"\nmongodb_uri = \"mongodb://127.0.0.1:{database}/whole?directConnection=true&serverMonitoringMode=poll&heartbeatFrequencyMS=500\""
        );
        fs::write(folder.join("lockdown.toml"), world.sections(port, &store, &identity, &two_sites()))?;
        let admin = &provider["people"][3];
        let name = admin["name"].as_str().unwrap_or_default();
        let oid = admin["oid"].as_str().unwrap_or_default();
        world.lockdown(&["people", "add", "--name", name, "--subject", oid, "--role", "admin"])?;
        let pid = world.children.last().map_or(0, Child::id);
        world.start_server()?;
        world.whole = serde_json::json!({
            "provider": provider["origin"], "database": { "pid": pid, "command": command },
            "program": binary("pstn-lockdown"), "config": folder.join("lockdown.toml"),
        });
        Ok(world)
    }

    fn start_provider(&mut self, style: Style) -> Result<Value> {
        let mut provider = node()
            .arg(root().join("end2end/identity/provider.mjs"))
            .env("REDIRECT_URI", format!("{}/auth/callback", self.url))
            .env("CLIENT_SECRET", CLIENT_SECRET)
            .env("STYLE", style.word())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("the identity provider could not be started")?;
        let said = first_line(&mut provider)?;
        self.children.push(provider);
        serde_json::from_str(&said).context("the identity provider did not say where it is")
    }

    /// Starts a database and returns its command, so that a test can start it again.
    fn start_database(&mut self, port: u16) -> Result<Vec<String>> {
        let program = crate::setup::compatible_database()?;
        let data = self.folder.join("database");
        fs::create_dir_all(&data)?;
        let program = program.to_string_lossy().into_owned();
        let data = data.to_string_lossy().into_owned();
        let port = port.to_string();
        let words = [&program, "--host", "127.0.0.1", "--sync-on-commit", "--cache-size", "256M", "--port", &port];
        let mut command: Vec<String> = words.into_iter().map(str::to_owned).collect();
        command.extend(["--storage-path".to_owned(), data]);
        let log = fs::File::create(self.folder.join("database.log"))?;
        let mut child = Command::new(&command[0]);
        child.args(&command[1..]).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.children.push(child.spawn().context("the database could not be started")?);
        let until = Instant::now() + Duration::from_secs(60);
        while std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_err() {
            if Instant::now() > until {
                bail!("the database did not start: see {}", self.folder.join("database.log").display());
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
        Ok(command)
    }

    fn configuration(&self, port: u16) -> String {
        let text = |key: &str| self.simulators[key].as_str().unwrap_or("").to_owned();
        let identity = format!(
            "[identity]\npreset = \"b2c\"\nname = \"the simulated B2C\"\nmetadata_url = \"{}\"\nissuer = \"{}\"\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \"b2c-demo-secret\"\nprobe = \"1s\"\nsite_networks = [\"127.0.0.1\", \"::1\"]\n",
            text("metadata_url"),
            text("issuer"),
        );
        self.sections(
            port,
            "",
            &format!("{identity}{}{}{}", self.webex(), self.finesse(), self.phone()),
            &format!("{DEMO}{DRILL}"),
        )
    }

    /// The bot of the simulated Webex.
    fn webex(&self) -> String {
        let text = |key: &str| self.simulators["webex"][key].as_str().unwrap_or("").to_owned();
        format!(
            "\n[webex]\nbot_token = \"{}\"\napi_url = \"{}\"\nu2c_url = \"{}\"\ndomains = [\"127.0.0.1\", \"[::1]\"]\n\n[[webex.device]]\nname = \"EOC room\"\ndevice_id = \"{}\"\n",
            text("token"),
            text("api"),
            text("u2c"),
            text("device"),
        )
    }

    /// Two phones of the EOC, and where they are told.
    fn phone(&self) -> String {
        let phones = &self.simulators["phones"];
        let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
        let device = |phone: &Value| {
            let name = text(&phone["device"]);
            let address = text(&phone["address"]);
            format!("[[phone.device]]\nname = \"{name}\"\nsite = \"acme-north\"\naddress = \"{address}\"\n")
        };
        let devices: String = phones["all"].as_array().into_iter().flatten().take(2).map(device).collect();
        format!(
            "\n[phone]\nnetworks = [\"127.0.0.1\", \"::1\"]\n[phone.push]\nusername = \"{}\"\npassword = \"{}\"\n{devices}",
            text(&phones["username"]),
            text(&phones["password"]),
        )
    }

    /// The page to be at a simulated phone, with where its Services key leads.
    pub(crate) fn phone_page(&self) -> String {
        let page = self.simulators["phones"]["page"].as_str().unwrap_or("");
        let service = format!("{}/phone/v1?d=#DEVICENAME#", self.url);
        let service =
            service.replace(':', "%3A").replace('/', "%2F").replace('?', "%3F").replace('=', "%3D").replace('#', "%23");
        format!("{page}/?service={service}")
    }

    /// The gadget, and the notice to every agent, of the simulated Finesse.
    fn finesse(&self) -> String {
        let finesse = &self.simulators["finesse"];
        let text = |key: &str| finesse[key].as_str().unwrap_or("").to_owned();
        format!(
            "\n[finesse]\norigins = {origins}\n\n[finesse.notice]\nservers = {origins}\nusername = \"{}\"\npassword = \"{}\"\nteams = [\"10\", \"20\"]\n",
            text("username"),
            text("password"),
            origins = finesse["origins"],
        )
    }

    /// Makes the gadget's file once, and puts it where an administrator would upload it.
    fn upload_gadget(&self, files: &Path) -> Result<()> {
        let file = files.join("pstn-lockdown.xml");
        let path = file.to_string_lossy();
        let good = file.exists() && self.lockdown(&["finesse", "check", &path]).is_ok();
        if !good {
            self.lockdown(&["finesse", "shell", "--site", "acme-north", "--out", &path])?;
        }
        Ok(())
    }

    /// A configuration with keys alone, for a server that somebody else starts. Returns its port.
    pub(crate) fn configure(&self, file: &Path, data_dir: &str) -> Result<u16> {
        let port = free(0)?;
        let text =
            self.sections(port, "", "", DEMO).replace("data_dir = \"data\"", &format!("data_dir = \"{data_dir}\""));
        fs::write(file, text)?;
        Ok(port)
    }

    fn sections(&self, port: u16, store: &str, identity: &str, sites: &str) -> String {
        let text = |key: &str| self.simulators[key].as_str().unwrap_or("").to_owned();
        let listen = SocketAddr::from((loopback(), port));
        format!(
            "[http]\nlisten = \"{listen}\"\npublic_url = \"http://localhost:{port}\"\n\n[store]\ndata_dir = \"data\"\n{store}\n\n[cucm]\nurl = \"{axl}\"\nusername = \"axl-lockdown\"\npassword = \"axl-demo\"\ntls = {{ pin_sha256 = [\"{pin}\"] }}\n\n[webhooks]\nallow = [\"{RECEIVER}\"]\nnetworks = [\"127.0.0.1\", \"::1\"]\n\n{identity}\n{sites}",
            axl = text("axl"),
            pin = text("fingerprint"),
        )
    }

    /// The demo's people get their roles here and nowhere else: the product has no demo account.
    fn seed_people(&self) -> Result<()> {
        let known: Value = serde_json::from_str(&self.lockdown(&["people", "list", "--json"])?)?;
        for person in self.simulators["people"].as_array().into_iter().flatten() {
            let name = person["name"].as_str().unwrap_or("");
            let oid = person["oid"].as_str().unwrap_or("");
            let there = known.as_array().into_iter().flatten().any(|p| p["name"] == name);
            let role = match name.split(' ').next() {
                Some("EOC") => "eoc",
                Some("Senior") => "senior_eoc",
                Some("Admin") => "admin",
                _ => continue,
            };
            if !there {
                let email = person["email"].as_str().unwrap_or("");
                let mut account = vec!["--email", email, "--webex", email];
                if name == "EOC 1" {
                    account.extend(["--extension", "4701", "--phone", "SEP001122334401"]);
                }
                let words =
                    [&["people", "add", "--name", name, "--subject", oid, "--role", role], &account[..]].concat();
                self.lockdown(&words)?;
            }
        }
        Ok(())
    }

    /// Runs the product's command line on this world's configuration.
    pub(crate) fn lockdown(&self, words: &[&str]) -> Result<String> {
        output(Command::new(binary("pstn-lockdown")).args(words).arg("--config").arg(self.folder.join("lockdown.toml")))
    }

    fn start_server(&mut self) -> Result<()> {
        let log = fs::File::create(self.folder.join("server.log"))?;
        let server = Command::new(binary("pstn-lockdown"))
            .arg("serve")
            .arg("--config")
            .arg(self.folder.join("lockdown.toml"))
            .env("LEPTOS_SITE_ROOT", &self.site)
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .context("the server could not be started")?;
        self.children.push(server);
        let address = self.url.trim_start_matches("http://").to_owned();
        let until = Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(&address).is_err() {
            let ended = self.children.last_mut().and_then(|server| server.try_wait().ok().flatten());
            if ended.is_some() || Instant::now() > until {
                let log = fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
                bail!("the server did not start:\n{log}");
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The server was started last.
    pub(crate) fn server_pid(&self) -> u32 {
        self.children.last().map_or(0, Child::id)
    }

    /// Until Ctrl-C, or until one of them ends by itself.
    fn until_stopped(mut self) -> Result<()> {
        let (stop, stopped) = mpsc::channel();
        ctrlc::set_handler(move || {
            // Nobody listens any more only when it is over anyway.
            let _ = stop.send(());
        })?;
        while stopped.recv_timeout(Duration::from_millis(500)).is_err() {
            for child in &mut self.children {
                if let Some(status) = child.try_wait()? {
                    bail!("a program ended by itself ({status}); see {}", self.folder.join("server.log").display());
                }
            }
        }
        println!("\n  Stopped.");
        Ok(())
    }
}

fn first_line(child: &mut Child) -> Result<String> {
    let mut line = String::new();
    if let Some(stdout) = child.stdout.as_mut() {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    Ok(line)
}

/// The wanted port, or the next one that nobody has; any, where none is wanted.
fn free(port: u16) -> Result<u16> {
    let is_free = |port: u16| TcpListener::bind((loopback(), port)).and_then(|listener| listener.local_addr());
    let wanted = (port > 0).then(|| port..port.saturating_add(100)).into_iter().flatten();
    let mut found = wanted.chain([0]).filter_map(|port| is_free(port).ok());
    found.next().map(|address| address.port()).context("no port is free")
}

/// This machine's own address: IPv4's where there is one.
fn loopback() -> IpAddr {
    let v4 = IpAddr::from(Ipv4Addr::LOCALHOST);
    if TcpListener::bind((v4, 0)).is_ok() { v4 } else { Ipv6Addr::LOCALHOST.into() }
}

/// Opens what was built for other programs, such as the browser tests.
pub(crate) fn node() -> Command {
    program("node")
}
