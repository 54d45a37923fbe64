//! Sign-in against the simulated provider, as a browser goes through it.

use crate::proxy::SiteProxy;
use crate::world::{More, World, http_without_redirects, refused};
use reqwest::{Client, Response, StatusCode, header};
use simulators::b2c::Forgery;
use std::collections::BTreeMap;

/// A browser: keeps cookies, follows nothing by itself.
pub(crate) struct Browser {
    http: Client,
    cookies: BTreeMap<String, String>,
    base: String,
    /// What a proxy of ours says of its address.
    forwarded: Option<&'static str>,
}

impl Browser {
    pub(crate) fn new(world: &World) -> Self {
        Self { http: http_without_redirects(), cookies: BTreeMap::new(), base: world.url.clone(), forwarded: None }
    }

    /// By another address than the server's own.
    pub(crate) fn at(http: Client, base: &str) -> Self {
        Self { http, cookies: BTreeMap::new(), base: base.to_owned(), forwarded: None }
    }

    pub(crate) fn comes_from(&mut self, address: &'static str) {
        self.forwarded = Some(address);
    }

    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn keep(&mut self, response: &Response) {
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name)
            } else {
                self.cookies.insert(name.into(), value.into())
            };
        }
    }

    pub(crate) fn cookie_header(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// What only this browser knows.
    pub(crate) fn secrets(&self) -> Vec<String> {
        self.cookies.values().cloned().collect()
    }

    pub(crate) async fn get(&mut self, url: &str) -> Response {
        self.get_from(url, "").await
    }

    /// As a browser says where a link stood; nothing, for none of that.
    pub(crate) async fn get_from(&mut self, url: &str, site: &str) -> Response {
        let url = if url.starts_with('/') { format!("{}{url}", self.base) } else { url.to_owned() };
        let response = self
            .http
            .get(url)
            .header("cookie", self.cookie_header())
            .header("accept", "text/html")
            .headers(
                (!site.is_empty())
                    .then(|| ("sec-fetch-site".parse().unwrap(), site.parse().unwrap()))
                    .into_iter()
                    .collect(),
            )
            .send()
            .await
            .unwrap();
        self.keep(&response);
        response
    }

    /// As a window opened by a link on `page` of ours.
    pub(crate) async fn open_from(&mut self, url: &str, page: &str) -> Response {
        let request = self.http.get(format!("{}{url}", self.base)).header("cookie", self.cookie_header());
        let request = request.header("accept", "text/html").header("sec-fetch-site", "same-origin");
        let response = request.header("referer", format!("{}{page}", self.base)).send().await.unwrap();
        self.keep(&response);
        response
    }

    /// Our cookies where keys belong.
    pub(crate) async fn call(&self, method: reqwest::Method, path: &str, body: &str) -> Response {
        let request = self.http.request(method, format!("{}{path}", self.base)).header("cookie", self.cookie_header());
        let request = request.header("content-type", "application/json").header("sec-fetch-site", "same-origin");
        request.body(body.to_owned()).send().await.unwrap()
    }

    /// A form of one of our pages, with or without wasm.
    pub(crate) async fn post(&mut self, path: &str, form: &str, plain: bool) -> Response {
        self.post_from(path, form, plain, "same-origin").await
    }

    pub(crate) async fn post_from(&mut self, path: &str, form: &str, plain: bool, site: &str) -> Response {
        let accept = if plain { "text/html" } else { "application/json" };
        let response = self
            .http
            .post(format!("{}{path}", self.base))
            .header("cookie", self.cookie_header())
            .header("accept", accept)
            .headers(
                self.forwarded
                    .map(|address| ("x-forwarded-for".parse().unwrap(), address.parse().unwrap()))
                    .into_iter()
                    .collect(),
            )
            .header("referer", format!("{}/console", self.base))
            .header("sec-fetch-site", site)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned())
            .send()
            .await
            .unwrap();
        self.keep(&response);
        response
    }

    /// From our sign-in link to the answer of our callback.
    pub(crate) async fn sign_in(&mut self, world: &World, who: usize, return_to: &str) -> Response {
        let departure = self.get(&format!("/auth/login?return_to={return_to}")).await;
        let authorize = location(&departure);
        let query = authorize.split_once('?').unwrap().1.to_owned();
        let oid = match who {
            0 => "cancel".to_owned(),
            99 => "forgot".to_owned(),
            n => simulators::b2c::demo_people()[n - 1].oid.clone(),
        };
        let choose = format!("{}/acme.onmicrosoft.com/b2c_1_SIGNIN/oauth2/v2.0/choose", world.b2c.origin());
        let chosen = self
            .http
            .post(choose)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("{query}&oid={oid}"))
            .send()
            .await
            .unwrap();
        let back = location(&chosen);
        self.get(&back).await
    }
}

pub(crate) fn location(response: &Response) -> String {
    response
        .headers()
        .get(header::LOCATION)
        .unwrap_or_else(|| panic!("no redirect: {}", response.status()))
        .to_str()
        .unwrap()
        .to_owned()
}

/// Somebody signed in with a role.
pub(crate) async fn signed_in(world: &World, who: usize, role: &str) -> Browser {
    let person = &simulators::b2c::demo_people()[who - 1];
    world.run(&["people", "add", "--name", &person.name, "--subject", &person.oid, "--role", role]);
    let mut browser = Browser::new(world);
    let arrived = browser.sign_in(world, who, "/console").await;
    assert_eq!(location(&arrived), "/console", "{}", world.log());
    browser
}

/// Until it is seen that the provider answers, or that it does not: the sign-in link leads there, or to our own page.
async fn until_provider_seen(world: &World, there: bool) {
    world
        .until(&format!("it is seen whether the provider is there: {there}"), async || {
            let to = location(&Browser::new(world).get("/auth/login?return_to=/timeline").await);
            if there { to.contains("/authorize?") } else { to == "/sign-in?return_to=/timeline" }
        })
        .await;
}

#[tokio::test]
async fn a_first_sign_in_makes_a_profile_without_rights() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let arrived = browser.sign_in(&world, 5, "/timeline").await;
    assert_eq!((arrived.status(), location(&arrived).as_str()), (StatusCode::SEE_OTHER, "/timeline"));
    let page = browser.get("/console").await.text().await.unwrap();
    assert!(page.contains("Only EOC personnel may see this") && page.contains("Sign out"), "{page}");
    let people = String::from_utf8(world.run(&["people", "list", "--json"]).stdout).unwrap();
    assert!(people.contains("Resident 1") && people.contains("\"roles\":[]"), "{people}");
    let refused = browser.post("/ui/activate", "site=acme-north", false).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    browser.post("/auth/logout", "", true).await;
    assert_eq!(browser.post("/ui/activate", "site=acme-north", false).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn cancelling_and_forgetting_come_back_calmly() {
    let world = World::new().await;
    for (who, word) in [(0, "cancelled"), (99, "forgot")] {
        let back = Browser::new(&world).sign_in(&world, who, "/console").await;
        assert_eq!(location(&back), format!("/sign-in?trouble={word}"));
    }
}

#[tokio::test]
async fn every_forged_token_is_refused() {
    use Forgery::*;
    let world = World::new().await;
    let forgeries = [
        NoSignature,
        HmacWithClientSecret,
        ForeignKey,
        UnknownKey,
        WrongAudience,
        WrongIssuer,
        Expired,
        NotYet,
        WrongPolicy,
        WrongNonce,
    ];
    for forgery in forgeries {
        world.b2c.forge(forgery);
        let back = Browser::new(&world).sign_in(&world, 1, "/console").await;
        assert_eq!(location(&back), "/sign-in?trouble=refused", "{forgery:?}");
        assert!(
            back.headers().get_all(header::SET_COOKIE).iter().all(|c| !c.to_str().unwrap().starts_with("sess=")),
            "{forgery:?}"
        );
    }
    refused("forged tokens", forgeries.len());
    let back = Browser::new(&world).sign_in(&world, 1, "/console").await;
    assert_eq!(location(&back), "/console", "an honest one comes in");
}

#[tokio::test]
async fn a_provider_of_another_kind_has_no_policy_and_is_looked_at_as_closely() {
    let world = World::with(More { identity: "preset = \"generic\"".into(), ..More::default() }).await;
    for forgery in
        [Forgery::NoSignature, Forgery::WrongAudience, Forgery::WrongIssuer, Forgery::Expired, Forgery::WrongNonce]
    {
        world.b2c.forge(forgery);
        let back = Browser::new(&world).sign_in(&world, 1, "/console").await;
        assert_eq!(location(&back), "/sign-in?trouble=refused", "{forgery:?}");
    }
    world.b2c.forge(Forgery::WrongPolicy);
    let back = Browser::new(&world).sign_in(&world, 1, "/console").await;
    assert_eq!(location(&back), "/console", "policies are B2C's alone");
}

#[tokio::test]
async fn somebody_who_forgot_the_password_is_shown_where_to_set_a_new_one() {
    let identity = "password_reset_url = \"https://acme.b2clogin.com/reset\"".into();
    let world = World::with(More { identity, ..More::default() }).await;
    let mut browser = Browser::new(&world);
    let back = browser.sign_in(&world, 99, "/console").await;
    let page = browser.get(&location(&back)).await.text().await.unwrap();
    assert!(page.contains("href=\"https://acme.b2clogin.com/reset\""), "{page}");
}

#[tokio::test]
async fn an_answer_without_its_own_cookie_or_used_twice_is_refused() {
    let world = World::new().await;
    let mut victim = Browser::new(&world);
    let back = victim.get("/auth/callback?state=made-up&code=stolen").await;
    assert_eq!(location(&back), "/sign-in?trouble=expired");
    let mut browser = Browser::new(&world);
    let departure = browser.get("/auth/login").await;
    let state = location(&departure).split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let stolen = Browser::new(&world).get(&format!("/auth/callback?state={state}&code=x")).await;
    assert_eq!(location(&stolen), "/sign-in?trouble=expired", "another browser has no cookie of this sign-in");
    let unknown_code = browser.get(&format!("/auth/callback?state={state}&code=x")).await;
    assert_eq!(location(&unknown_code), "/sign-in?trouble=refused");
}

#[tokio::test]
async fn an_error_of_the_provider_is_believed_only_by_who_began_the_sign_in() {
    let world = World::new().await;
    let said = "error=server_error&error_description=AADB2C90081%3A+wrong+registration";
    let mut stranger = Browser::new(&world);
    for made_up in [said.to_owned(), format!("state=made-up&{said}")] {
        let back = stranger.get(&format!("/auth/callback?{made_up}")).await;
        assert_eq!(location(&back), "/sign-in?trouble=expired");
    }
    assert_eq!(world.happened("identity_misconfigured").await, 0);
    let mut browser = Browser::new(&world);
    let departure = browser.get("/auth/login").await;
    let state = location(&departure).split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let back = browser.get(&format!("/auth/callback?state={state}&{said}")).await;
    assert_eq!(location(&back), "/sign-in?trouble=refused");
    assert_eq!(world.happened("identity_misconfigured").await, 1);
}

#[tokio::test]
async fn the_server_starts_and_signs_in_again_after_the_provider_was_away() {
    let world = World::with(More { identity: "probe = \"100ms\"".into(), ..More::default() }).await;
    assert_eq!(location(&Browser::new(&world).sign_in(&world, 1, "/console").await), "/console");
    world.kill();
    world.b2c.stop().await;
    world.serve().await;
    world.until_standing("normal").await;
    until_provider_seen(&world, false).await;
    let page = Browser::new(&world).get("/sign-in?return_to=/timeline").await.text().await.unwrap();
    assert!(page.contains("anyway=yes&amp;return_to=/timeline"), "it leads there all the same: {page}");
    let departure = Browser::new(&world).get("/auth/login?anyway=yes").await;
    assert!(location(&departure).contains("/authorize?"), "what was known is kept on disk");
    world.b2c.resume().unwrap();
    until_provider_seen(&world, true).await;
    assert_eq!(location(&Browser::new(&world).sign_in(&world, 1, "/console").await), "/console");
}

#[tokio::test]
async fn sign_in_goes_through_the_sites_proxy_and_comes_back_with_it() {
    let proxy = SiteProxy::start().await;
    let identity = format!("probe = \"100ms\"\nproxy = \"{}\"", proxy.url());
    let world = World::with(More { identity, ..More::default() }).await;
    assert_eq!(location(&Browser::new(&world).sign_in(&world, 1, "/console").await), "/console");
    assert!(proxy.passed() > 0 && proxy.refused() == 0, "by the proxy, with its password");

    proxy.stop().await;
    until_provider_seen(&world, false).await;
    world.lock_verified().await;
    proxy.resume().await;
    until_provider_seen(&world, true).await;
    assert_eq!(location(&Browser::new(&world).sign_in(&world, 1, "/console").await), "/console");
}

#[tokio::test]
async fn who_comes_back_while_the_provider_is_away_is_told_so_and_not_locked_out() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let departure = browser.get("/auth/login?return_to=/console").await;
    let authorize = location(&departure);
    world.b2c.stop().await;
    let state = authorize.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let back = format!("/auth/callback?state={state}&code=made-before-it-went");
    for _ in 0..2 {
        assert_eq!(location(&browser.get(&back).await), "/sign-in?trouble=away");
    }
    world.b2c.resume().unwrap();
    assert_eq!(location(&browser.sign_in(&world, 1, "/console").await), "/console");
}
