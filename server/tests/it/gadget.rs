//! The gadget as its frame and its window speak to the server, and the notice to every agent.

use crate::sign_in::{Browser, location, signed_in};
use crate::wire::Wire;
use crate::world::{DEMO, More, SITE, World, http, http_without_redirects, refused};
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde_json::Value;
use simulators::FinesseSim;
use simulators::database::Database;
use simulators::finesse::ADMIN;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A server with a gadget, and what stands in its file.
pub(crate) struct Finesse {
    pub(crate) world: World,
    pub(crate) sim: Arc<FinesseSim>,
    pub(crate) key: String,
}

pub(crate) fn section(sim: &FinesseSim) -> String {
    let origins = sim.origins();
    format!(
        "[finesse]\norigins = {origins:?}\n[finesse.notice]\nservers = {origins:?}\nusername = \"{}\"\npassword = \"{}\"\nteams = [\"10\", \"20\"]\n",
        ADMIN.0, ADMIN.1
    )
}

impl Finesse {
    pub(crate) async fn new() -> Self {
        let sim = Arc::new(FinesseSim::start(0).unwrap());
        let world = World::with(More { sections: section(&sim), ..More::default() }).await;
        let key = key_of(&world);
        Self { world, sim, key }
    }

    /// A frame in which nobody is signed in, opened by a desktop.
    async fn frame(&self) -> Frame {
        Frame::of(&self.world, &self.key).await
    }

    /// A frame whose window `browser` connected.
    async fn connected(&self, browser: &mut Browser) -> Frame {
        Frame::connected(&self.world, &self.key, browser).await
    }
}

impl Frame {
    async fn of(world: &World, key: &str) -> Self {
        let cookies = BTreeMap::new();
        let base = world.url.clone();
        let mut frame = Self { http: http_without_redirects(), cookies, base, header: None, h: String::new() };
        frame.open(key).await;
        frame
    }

    pub(crate) async fn connected(world: &World, key: &str, browser: &mut Browser) -> Self {
        let mut frame = Self::of(world, key).await;
        frame.connect(browser).await;
        assert_eq!(frame.claim().await, StatusCode::NO_CONTENT);
        frame.open(key).await;
        frame
    }
}

/// Makes a file by the command line and reads its key.
pub(crate) fn key_of(world: &World) -> String {
    let file = world.data().join("gadget.xml");
    let made = world.run(&["finesse", "shell", "--site", SITE, "--out", file.to_str().unwrap(), "--json"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let text = std::fs::read_to_string(file).unwrap();
    between(&text, "KEY = \"", "\"").to_owned()
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let rest = &text[text.find(before).unwrap_or_else(|| panic!("no {before} in {text}")) + before.len()..];
    &rest[..rest.find(after).unwrap()]
}

/// The frame: cookies of its own partition, and the header its page was given.
pub(crate) struct Frame {
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
    base: String,
    header: Option<String>,
    /// Names the hand-off, in the link of the page.
    h: String,
}

impl Frame {
    fn with_cookies(&self, request: RequestBuilder) -> RequestBuilder {
        let all: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request.header("cookie", all.join("; "))
    }

    fn keep(&mut self, answer: &Response) {
        for cookie in answer.headers().get_all(header::SET_COOKIE) {
            let text = cookie.to_str().unwrap();
            assert!(text.contains("Secure; SameSite=None; Partitioned"), "{text}");
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// The page, as the desktop's frame asks for it.
    pub(crate) async fn open(&mut self, key: &str) -> String {
        let request = self.http.get(format!("{}/embed/finesse?key={key}", self.base));
        let answer = self.with_cookies(request).header("sec-fetch-dest", "iframe").send().await.unwrap();
        self.keep(&answer);
        let page = answer.text().await.unwrap();
        if page.contains("name=\"gadget\"") {
            let mark = between(&page, "name=\"gadget\" content=\"", "\"");
            self.header = Some(mark.to_owned());
        }
        if page.contains("/auth/handoff/login?h=") {
            between(&page, "/auth/handoff/login?h=", "\"").clone_into(&mut self.h);
        }
        page
    }

    /// Sends as our own code in the frame does.
    pub(crate) async fn post(&self, path: &str, form: &str) -> Response {
        self.post_as(path, form, self.header.as_deref(), "same-origin").await
    }

    async fn post_as(&self, path: &str, form: &str, mark: Option<&str>, site: &str) -> Response {
        let mut request = self.http.post(format!("{}{path}", self.base)).header("sec-fetch-site", site);
        if let Some(mark) = mark {
            request = request.header("x-lockdown-gadget", mark);
        }
        let request =
            request.header("accept", "application/json").header("content-type", "application/x-www-form-urlencoded");
        self.with_cookies(request).body(form.to_owned()).send().await.unwrap()
    }

    /// In the window: opened from the frame, signed in, the button pressed.
    async fn connect(&self, browser: &mut Browser) {
        let opened = browser.open_from(&format!("/auth/handoff/login?h={}", self.h), "/embed/finesse").await;
        assert_eq!(location(&opened), "/auth/handoff");
        let window = browser.get("/auth/handoff").await.text().await.unwrap();
        assert!(window.contains("Connect my gadget"), "{window}");
        let done = browser.post("/auth/handoff", "", true).await;
        assert!(done.text().await.unwrap().contains("Connected"));
    }

    async fn claim(&mut self) -> StatusCode {
        let answer = self.post_as("/auth/handoff/claim", "", None, "same-origin").await;
        self.keep(&answer);
        answer.status()
    }

    /// Arms the switch, as holding it does.
    pub(crate) async fn armed(&self) -> Result<String, StatusCode> {
        let answer = self.post("/ui/arm", "").await;
        match answer.status() {
            StatusCode::OK => Ok(answer.json().await.unwrap()),
            refused => Err(refused),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gadget_is_signed_in_once_by_its_own_window_and_locks_when_it_is_armed() {
    let finesse = Finesse::new().await;
    let world = &finesse.world;
    world.until_standing("normal").await;
    let mut frame = finesse.frame().await;
    assert_eq!(frame.claim().await, StatusCode::ACCEPTED, "nobody has signed in yet");
    let mut eoc = signed_in(world, 1, "eoc").await;
    frame.connect(&mut eoc).await;
    let mut thief = finesse.frame().await;
    assert_eq!(thief.claim().await, StatusCode::ACCEPTED, "another frame's secret finds nothing");
    let copy = frame.cookies.clone();
    assert_eq!(frame.claim().await, StatusCode::NO_CONTENT);
    let mut again = Frame { cookies: copy, ..finesse.frame().await };
    assert_eq!(again.claim().await, StatusCode::GONE, "once");
    let page = frame.open(&finesse.key).await;
    assert!(page.contains("Hold to lock the PSTN for Acme North") && page.contains("EOC 1"));
    assert!(!page.contains("Give the all-clear"), "never in a frame");
    let order = |armed: &str| format!("site={SITE}&armed={armed}");
    let answer = frame.post("/ui/activate", &order("")).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN, "a switch that was not armed");
    let armed = frame.armed().await.unwrap();
    let forged = frame.post_as("/ui/activate", &order(&armed), Some("nobody"), "same-origin").await;
    assert_eq!(forged.status(), StatusCode::UNAUTHORIZED, "the cookie alone is nobody");
    let foreign = frame.post_as("/ui/activate", &order(&armed), frame.header.as_deref(), "cross-site").await;
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    assert_eq!(frame.post("/ui/activate", &order(&armed)).await.status(), StatusCode::OK, "{}", world.log());
    world.until_standing("locked").await;
    let told = world.events().await;
    assert!(
        told.iter()
            .any(|event| event["by"].to_string().contains("gadget") && event["detail"]["what"] == "lock_ordered")
    );
    assert!(told.iter().any(|event| event["detail"]["what"] == "handoff_refused"), "a second claim is told");
    frame.post("/embed/leave", "").await;
    assert!(!frame.open(&finesse.key).await.contains("EOC 1"), "signed out");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gadget_session_opens_nothing_but_the_gadget() {
    let finesse = Finesse::new().await;
    let world = &finesse.world;
    world.until_standing("normal").await;
    let mut senior = signed_in(world, 2, "senior_eoc").await;
    let frame = finesse.connected(&mut senior).await;
    let forms = [
        ("/ui/release", format!("site={SITE}&typed=Acme+North&seen=1&reason=")),
        ("/ui/set-pin", "pin=428913".to_owned()),
        ("/ui/people", String::new()),
        ("/ui/set-roles", "person=x&seen=1".to_owned()),
        ("/ui/end-sessions", "person=x&session=".to_owned()),
        ("/ui/ask-passkey", "purpose=keys".to_owned()),
        ("/auth/handoff", String::new()),
        ("/admin/clients/add", "name=x&scope=lock:release".to_owned()),
    ];
    for (path, form) in &forms {
        let answer = frame.post(path, form).await;
        let status = answer.status();
        let text = answer.text().await.unwrap();
        let nobody = status == StatusCode::UNAUTHORIZED || text.contains("sign in first") || location_is_sign_in(&text);
        assert!(nobody || status.is_redirection(), "{path}: {status} {text}");
    }
    assert_eq!(world.happened("client_added").await, 2, "the gadget's and this test's own: none by the frame");
    refused("what a gadget session does not open", forms.len());
    let page = frame.with_cookies(frame.http.get(format!("{}/console", world.url))).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("not for everybody"), "its cookie opens no console");
}

fn location_is_sign_in(text: &str) -> bool {
    text.contains("Please sign in first")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_consoles_cookie_counts_for_nothing_in_a_frame_of_the_same_site() {
    let finesse = Finesse::new().await;
    let world = &finesse.world;
    world.until_standing("normal").await;
    let eoc = signed_in(world, 1, "eoc").await;
    let page = format!("{}/embed/finesse?key={}", world.url, finesse.key);
    let from = [("referer", page.as_str()), ("x-lockdown-gadget", "nobody")];
    for (name, value) in from {
        let request =
            http_without_redirects().post(format!("{}/ui/activate", world.url)).header("cookie", eoc.cookie_header());
        let request = request.header("sec-fetch-site", "same-origin").header(name, value);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.header("accept", "application/json").body(format!("site={SITE}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{name}");
    }
    let shown = http_without_redirects().get(&page).header("cookie", eoc.cookie_header()).send().await.unwrap();
    assert!(!shown.text().await.unwrap().contains("EOC 1"));
    assert_eq!(world.standing().await, "normal");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_of_a_gadget_shows_one_site_and_does_nothing_else() {
    let finesse = Finesse::new().await;
    let world = &finesse.world;
    world.until_standing("normal").await;
    let state = async |key: &str| http().get(format!("{}/embed/state?embed={key}", world.url)).send().await.unwrap();
    let good = state(&finesse.key).await;
    let site: Value = good.json().await.unwrap();
    assert_eq!((site["id"].as_str(), &site["detail"]), (Some(SITE), &Value::Null), "what everybody may see");
    let tried = [
        (Method::GET, format!("/api/v1/sites/{SITE}"), None),
        (Method::GET, "/api/v1/events".to_owned(), None),
        (Method::GET, "/api/v1/call-requests".to_owned(), None),
        (Method::PUT, format!("/api/v1/sites/{SITE}/lockdown"), Some(serde_json::json!({ "desired": "locked" }))),
        (Method::GET, "/api/v1/webhooks".to_owned(), None),
    ];
    for (method, path, body) in &tried {
        let (code, _, _) = world.call(method.clone(), path, &finesse.key, body.clone(), &[]).await;
        assert_eq!(code, StatusCode::FORBIDDEN, "{method} {path}");
    }
    refused("an embed key used for more", tried.len());
    assert_eq!(world.standing().await, "normal");
    for bad in ["", "x", &world.key("status:read"), &finesse.key[1..]] {
        assert_eq!(state(bad).await.status(), StatusCode::FORBIDDEN, "{bad}");
    }
    let page = finesse.frame().await.open("tpb_live_nonsense").await;
    assert!(page.contains("key is not good any more") && !page.contains("Phones work normally"));
    let id = finesse.key.split('_').nth(2).unwrap();
    assert!(world.run(&["clients", "revoke", id]).status.success());
    assert_eq!(state(&finesse.key).await.status(), StatusCode::FORBIDDEN, "revoked");
    let file = world.data().join("gadget.xml");
    let checked = world.run(&["finesse", "check", file.to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(1), "{}", String::from_utf8_lossy(&checked.stdout));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_gadget_is_framed_and_only_by_finesse() {
    let finesse = Finesse::new().await;
    let policy = async |path: &str| {
        let answer = http().get(format!("{}{path}", finesse.world.url)).send().await.unwrap();
        answer.headers()["content-security-policy"].to_str().unwrap().to_owned()
    };
    let origins = finesse.sim.origins().join(" ");
    let frame = policy(&format!("/embed/finesse?key={}", finesse.key)).await;
    assert!(frame.ends_with(&format!("frame-ancestors {origins}")), "{frame}");
    for page in ["/", "/console", "/sign-in", "/connect"] {
        assert!(policy(page).await.ends_with("frame-ancestors 'none'"), "{page}");
    }
    let html = finesse.frame().await.open(&finesse.key).await;
    assert!(html.len() < 32 * 1024, "the frame's page has a budget of its own: {}", html.len());
    assert!(html.contains("Phones work normally"), "the state is there without scripts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_opened_by_a_foreign_link_or_without_a_frame_connects_nothing() {
    let finesse = Finesse::new().await;
    let world = &finesse.world;
    let frame = finesse.frame().await;
    let mut victim = signed_in(world, 1, "eoc").await;
    let link = format!("/auth/handoff/login?h={}", frame.h);
    let mut tried = 0;
    for site in ["none", "cross-site", "same-site", ""] {
        let answer = victim.get_from(&link, site).await;
        assert_eq!(location(&answer), "/sign-in?trouble=handoff_link", "{site}");
        tried += 1;
    }
    for odd in ["/auth/handoff/login?h=x", "/auth/handoff/login?h=../../x"] {
        assert_eq!(location(&victim.open_from(odd, "/embed/finesse").await), "/sign-in?trouble=handoff_link");
        tried += 1;
    }
    // From a page of ours that is no frame: a sign-in that was made to lead there.
    assert_eq!(location(&victim.open_from(&link, "/sign-in").await), "/sign-in?trouble=handoff_link");
    tried += 1;
    let answer = victim.post("/auth/handoff", "", true).await;
    assert_eq!(location(&answer), "/sign-in?trouble=handoff_late", "no window was opened from a frame");
    refused("gadget sign-ins from elsewhere", tried);
    assert_eq!(world.happened("handoff_refused").await, tried, "each is told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_agent_is_told_of_a_lock_once_and_of_its_end_whatever_finesse_does() {
    let finesse = Finesse::new().await;
    let world = &finesse.world;
    let sim = &finesse.sim;
    world.until_standing("normal").await;
    world.lock_verified().await;
    let locked = || sim.messages().iter().any(|one| one.content.starts_with("PSTN LOCKED"));
    world.until("the desktops show it", async || sim.messages().len() == 1 && locked()).await;
    let shown = sim.messages().remove(0);
    assert!(shown.content.starts_with("PSTN LOCKED: Acme North.") && shown.content.contains("dial 911"), "{shown:?}");
    assert_eq!(shown.teams, [10, 20]);
    world.until("it is told", async || world.happened("agents_told").await == 1).await;
    // Somebody removes it at once.
    let path = format!("TeamMessage/{}", shown.id);
    assert_eq!(administer(sim, Method::DELETE, &path, String::new()).await, StatusCode::OK);
    world.until("it is posted again", async || sim.messages().len() == 1 && locked()).await;
    let shown = sim.messages().remove(0);
    // A restart posts no second one.
    world.stop();
    world.serve().await;
    world.until_standing("locked").await;
    assert_eq!(sim.messages(), [shown]);
    // One node down: the other one takes it.
    sim.set_up(0, false).await.unwrap();
    world.release_verified().await;
    world.until("the desktops are cleared", async || sim.messages().is_empty()).await;
    sim.set_up(0, true).await.unwrap();
    // Refused: said once, and the lock does not wait for it.
    sim.refuse(Some(401));
    world.lock_verified().await;
    let failed = async || {
        world.events().await.iter().any(|event| {
            event["detail"]["what"] == "agents_told"
                && event["detail"]["failed"].as_str().is_some_and(|why| why.contains("401"))
        })
    };
    world.until("the refusal is told", failed).await;
}

/// What somebody with the same rights does by REST.
async fn administer(sim: &FinesseSim, method: Method, path: &str, body: String) -> StatusCode {
    let url = format!("{}/finesse/api/{path}", sim.origins()[0]);
    http_without_redirects()
        .request(method, url)
        .basic_auth(ADMIN.0, Some(ADMIN.1))
        .body(body)
        .send()
        .await
        .unwrap()
        .status()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_without_their_database_leave_one_line_in_the_desktops() {
    let sim = Arc::new(FinesseSim::start(0).unwrap());
    let database = Database::start().await.unwrap();
    let more = More { sections: section(&sim), ..More::default() };
    let one = World::with_database_and(&database, more).await;
    one.until_standing("normal").await;
    one.everything();
    let two = World::beside(&one).await;
    two.until_standing("normal").await;
    database.kill();
    one.lock_verified().await;
    two.lock_verified().await;
    let locked = || sim.messages().into_iter().find(|one| one.content.starts_with("PSTN LOCKED"));
    one.until("the desktops show it", async || locked().is_some()).await;
    // Both may have posted in the same instant.
    let line = locked().unwrap().content;
    let foreign = "PSTN LOCKED: Acme South. Outside calls go through the EOC.";
    for content in [line.as_str(), foreign] {
        let message = format!(
            "<TeamMessage><duration>600</duration><content>{content}</content><teams><team>10</team></teams></TeamMessage>"
        );
        assert_eq!(administer(&sim, Method::POST, "TeamMessage", message).await, StatusCode::OK);
    }
    database.resume().await.unwrap();
    // Two locks of which neither server knew are made one, which is carried out anew: an all-clear before that is stale.
    one.agrees_with(&two).await;
    one.until_standing("locked").await;
    let lines = |content: &str| sim.messages().iter().filter(|one| one.content == content).count();
    one.until("one line is left", async || lines(&line) == 1 && sim.messages().len() == 2).await;
    assert_eq!(lines(foreign), 1, "another installation's");
    // Somebody removes it: the site is still locked.
    for message in sim.messages() {
        let path = format!("TeamMessage/{}", message.id);
        let removed = administer(&sim, Method::DELETE, &path, String::new()).await;
        // One of the servers may have been faster.
        assert!([StatusCode::OK, StatusCode::NOT_FOUND].contains(&removed), "{removed}");
    }
    one.until("it is posted again", async || lines(&line) == 1).await;
    one.release_verified().await;
    one.until("the desktops are cleared", async || sim.messages().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_cut_off_and_locks_alone_leaves_one_line_in_the_desktops() {
    let sim = Arc::new(FinesseSim::start(0).unwrap());
    let database = Database::start().await.unwrap();
    let more = More { sections: section(&sim), ..More::default() };
    let (one, two, wire) = Wire::between_two(&database, more).await;
    wire.cut();
    two.lock_verified().await;
    let shown = || sim.messages().into_iter().find(|one| one.content.starts_with("PSTN LOCKED: Acme North."));
    two.until("the desktops show it", async || sim.messages().len() == 1 && shown().is_some()).await;
    let line = shown().unwrap().content;
    wire.mend();
    one.until_standing("locked").await;
    // Whose turn it is now has seen what stands there, and did what was to be done about it.
    for _ in 0..2 {
        let before = sim.looks();
        one.until("what stands there was looked at", async || sim.looks() > before).await;
    }
    assert_eq!(sim.messages().len(), 1);
    // Somebody removes it, and it is posted once.
    let path = format!("TeamMessage/{}", sim.messages().remove(0).id);
    assert_eq!(administer(&sim, Method::DELETE, &path, String::new()).await, StatusCode::OK);
    one.until("it is posted again", async || !sim.messages().is_empty()).await;
    assert_eq!(sim.messages().iter().map(|message| &message.content).collect::<Vec<_>>(), [&line]);
    one.release_verified().await;
    one.until("the desktops are cleared", async || sim.messages().is_empty()).await;
}

#[test]
fn a_configuration_without_https_or_with_a_wildcard_is_refused() {
    let load = |section: &str, public: &str| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lockdown.toml");
        let text = format!(
            "[http]\npublic_url = \"{public}\"\n[cucm]\nurl = \"https://c:8443/axl/\"\nusername = \"u\"\npassword = \"p\"\n{section}\n{DEMO}"
        );
        std::fs::write(&file, text).unwrap();
        server::config::load(&file, std::iter::empty()).map(|_| ()).map_err(|problem| problem.to_string())
    };
    let good = "[finesse]\norigins = [\"https://fin-a.acme.example:8445\"]";
    assert_eq!(load(good, "https://lockdown.acme.example"), Ok(()));
    for (section, public, want) in [
        (good, "http://lockdown.acme.example", "write https:// before lockdown.acme.example"),
        ("[finesse]\norigins = []", "https://l.example", "name each Finesse server"),
        ("[finesse]\norigins = [\"https://*.acme.example\"]", "https://l.example", "write scheme, host and port"),
        ("[finesse]\norigins = [\"https://a.example/x\"]", "https://l.example", "write scheme, host and port"),
        ("[finesse]\norigins = [\"http://a.example\"]", "https://l.example", "begins with https://"),
        ("[phone]\n[[phone.device]]\nname = \"SEP001122334455\"", "https://l.example", "name the voice networks"),
        (
            "[phone]\nnetworks = [\"10.0.0.0/8\"]\n[[phone.device]]\nname = \"4711\"",
            "https://l.example",
            "SEP and twelve",
        ),
    ] {
        let said = load(section, public).unwrap_err();
        assert!(said.contains(want), "{want}: {said}");
    }
}
