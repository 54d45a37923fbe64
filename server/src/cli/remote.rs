//! `status`, `lock` and `release` ask a running server by its REST interface, with a key.

use super::{Context, Ended, Sorry};
use clap::Args;
use reqwest::{Method, Response, StatusCode, header};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// Where the server is asked too often, it is asked again so many times, if it does not want a longer pause than this.
const TRIES: usize = 5;
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(super) struct Server {
    /// The server's address; else http.public_url of the configuration
    #[arg(long)]
    url: Option<String>,
    /// A file with an API key
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct Order {
    #[command(flatten)]
    server: Server,
    /// The site; may be left out where there is one only
    #[arg(long)]
    site: Option<String>,
    /// For the timeline
    #[arg(long)]
    reason: Option<String>,
    /// An all-clear although the shared database is away and other servers may not hear of it
    #[arg(long, requires = "reason")]
    break_glass: bool,
    /// How long to wait until it is verified, in seconds
    #[arg(long, default_value_t = 60)]
    wait: u64,
}

#[derive(Args)]
pub(super) struct Drill {
    #[command(flatten)]
    order: Order,
    /// Leave the canaries locked: to be ended with --over, or on the console
    #[arg(long, conflicts_with = "over")]
    keep: bool,
    /// End a drill that was left on
    #[arg(long)]
    over: bool,
}

/// An answer: status, ETag, body.
struct Answer(StatusCode, Option<String>, Value);

pub(super) async fn status(context: &Context, server: &Server) -> Result<Ended, Sorry> {
    let Answer(code, _, body) = ask(context, server, Method::GET, "/api/v1/status", None, None, 10).await?;
    let body = ok(code, body)?;
    let lines = body["sites"].as_array().into_iter().flatten().map(|site| {
        let text = |key: &str| site[key].as_str().unwrap_or("–").to_owned();
        format!("{:<16} {:<10} since {}  checked {}", text("id"), text("state"), text("since"), text("read_at"))
    });
    context.print(&body, lines.collect::<Vec<_>>().join("\n"));
    Ok(Ended::Done)
}

pub(super) async fn lock(context: &Context, order: &Order) -> Result<Ended, Sorry> {
    let site = site(context, order).await?;
    put(context, order, &site, "locked", None).await
}

/// Releases the state that is looked at just before.
pub(super) async fn release(context: &Context, order: &Order) -> Result<Ended, Sorry> {
    let site = site(context, order).await?;
    let path = format!("/api/v1/sites/{site}");
    let Answer(code, etag, body) = ask(context, &order.server, Method::GET, &path, None, None, 10).await?;
    // A key may release without being allowed to read: the status tells no version then.
    ok(code, body)?;
    put(context, order, &site, "normal", etag).await
}

/// Lock and end on the canaries of a site; how long each took is worked out by the server.
pub(super) async fn drill(context: &Context, drill: &Drill) -> Result<Ended, Sorry> {
    let of = site(context, &drill.order).await?;
    let Answer(code, _, body) =
        ask(context, &drill.order.server, Method::GET, &format!("/api/v1/sites/{of}"), None, None, 10).await?;
    let body = ok(code, body)?;
    let Some(canaries) = body["drill_site"].as_str() else {
        return Err(Sorry(format!("no drill is set up for {of}: add a [[site]] with drill_of = \"{of}\"")));
    };
    let mut report = json!({ "of": of, "site": canaries });
    if !drill.over {
        let Some(took) = practised(context, drill, canaries, "locked").await? else { return Ok(Ended::Pending) };
        report["lock_ms"] = took.into();
    }
    if !drill.keep {
        let Some(took) = practised(context, drill, canaries, "normal").await? else { return Ok(Ended::Pending) };
        report["end_ms"] = took.into();
    }
    let told = |key: &str, what: &str| {
        report[key].as_u64().map(|ms| format!("{what} after {}.{:02} s", ms / 1000, ms % 1000 / 10))
    };
    let words: Vec<String> =
        told("lock_ms", "canaries locked").into_iter().chain(told("end_ms", "normal again")).collect();
    context.print(&report, format!("DRILL {of}: {}. No call was touched", words.join(", ")));
    Ok(Ended::Done)
}

/// From the order to the moment it was read back, ms; `None` where it was not in time.
async fn practised(context: &Context, drill: &Drill, canaries: &str, desired: &str) -> Result<Option<i64>, Sorry> {
    let server = &drill.order.server;
    let wait = drill.order.wait.min(60);
    let path = format!("/api/v1/sites/{canaries}");
    let Answer(code, etag, seen) = ask(context, server, Method::GET, &path, None, None, 10).await?;
    ok(code, seen)?;
    let body = json!({ "desired": desired, "reason": drill.order.reason });
    let path = format!("{path}/lockdown?wait={wait}s");
    let Answer(code, _, answer) = ask(context, server, Method::PUT, &path, Some(body), etag, wait + 10).await?;
    let answer = ok(code, answer)?;
    let at = |key: &str| answer["command"][key].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let took = at("verified_at").zip(at("since")).map(|(verified, since)| verified.duration_since(since).as_millis());
    let took = took.and_then(|ms| i64::try_from(ms).ok()).filter(|_| code == StatusCode::OK);
    if took.is_none() {
        context.print(&answer, format!("DRILL {canaries}: ordered {desired}, and not verified within {wait} s"));
    }
    Ok(took)
}

async fn put(
    context: &Context,
    order: &Order,
    site: &str,
    desired: &str,
    etag: Option<String>,
) -> Result<Ended, Sorry> {
    let path = format!("/api/v1/sites/{site}/lockdown?wait={}s", order.wait.min(60));
    let mut body = json!({ "desired": desired, "reason": order.reason });
    if order.break_glass {
        body["break_glass"] = true.into();
    }
    let seconds = order.wait.min(60) + 10;
    let Answer(code, _, answer) = ask(context, &order.server, Method::PUT, &path, Some(body), etag, seconds).await?;
    let answer = ok(code, answer)?;
    let standing = answer["standing"].as_str().unwrap_or("unknown").to_owned();
    let trouble = answer["trouble"].as_str().map(|why| format!(" {why}")).unwrap_or_default();
    let words = if code == StatusCode::OK {
        format!("{site}: {standing}, verified")
    } else if let Some(by) = answer["command"]["release_asked"]["by"].as_str() {
        format!("{site}: all-clear asked for by {by}; another senior must give it too, within ten minutes")
    } else {
        format!("{site}: ordered {desired}, still {standing}.{trouble}")
    };
    context.print(&answer, words);
    Ok(if code == StatusCode::OK { Ended::Done } else { Ended::Pending })
}

/// The site asked for, or the only one.
async fn site(context: &Context, order: &Order) -> Result<String, Sorry> {
    if let Some(site) = &order.site {
        return Ok(site.clone());
    }
    let Answer(code, _, body) = ask(context, &order.server, Method::GET, "/api/v1/status", None, None, 10).await?;
    let body = ok(code, body)?;
    match body["sites"].as_array().map(Vec::as_slice) {
        Some([only]) => Ok(only["id"].as_str().unwrap_or_default().to_owned()),
        _ => Err(Sorry("there are several sites: name one with --site".into())),
    }
}

fn ok(code: StatusCode, body: Value) -> Result<Value, Sorry> {
    if code.is_success() {
        return Ok(body);
    }
    let said = body["detail"].as_str().map_or_else(|| format!("the server answered {code}"), str::to_owned);
    Err(Sorry(said))
}

/// Asks again, a few times, where the server says that it was asked too often and how long to wait.
async fn ask(
    context: &Context,
    server: &Server,
    method: Method,
    path: &str,
    body: Option<Value>,
    etag: Option<String>,
    seconds: u64,
) -> Result<Answer, Sorry> {
    let base = match &server.url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => {
            context
                .load()
                .map_err(|Sorry(why)| Sorry(format!("give --url, or a configuration: {why}")))?
                .http
                .public_url
        }
    };
    let client = reqwest::Client::builder().timeout(Duration::from_secs(seconds)).no_proxy().build()?;
    let mut request = client.request(method, format!("{base}{path}")).header("x-lockdown-surface", "cli");
    if let Some(file) = &server.key_file {
        let key = std::fs::read_to_string(file)
            .map_err(|error| Sorry(format!("{} cannot be read: {error}", file.display())))?;
        request = request.bearer_auth(key.trim());
    }
    if let Some(etag) = etag {
        request = request.header(header::IF_MATCH, etag);
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    let mut left = TRIES;
    loop {
        let again = request.try_clone().expect("a body in memory");
        let answer = again.send().await.map_err(|error| unanswered(&base, &error))?;
        match too_often(&answer) {
            None => return Ok(Answer::read(answer).await),
            Some(_) if left == 0 => {
                return Err(Sorry("the server is asked too often with this key: wait, or use another key".into()));
            }
            Some(pause) => tokio::time::sleep(pause).await,
        }
        left -= 1;
    }
}

fn unanswered(base: &str, error: &reqwest::Error) -> Sorry {
    let what = if error.is_timeout() {
        "did not answer in time: look at the state before trying again"
    } else {
        "cannot be reached: is it running?"
    };
    Sorry(format!("the server at {base} {what}"))
}

/// How long to wait before the same is asked again: it was not carried out. `None` for every other answer, and where the
/// pause would be long.
fn too_often(answer: &Response) -> Option<Duration> {
    let pause = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)?;
    (answer.status() == StatusCode::TOO_MANY_REQUESTS && pause <= LONGEST_PAUSE).then_some(pause)
}

impl Answer {
    async fn read(answer: Response) -> Self {
        let code = answer.status();
        let etag = answer.headers().get(header::ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        Self(code, etag, answer.json().await.unwrap_or(Value::Null))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// Answers like this, one answer a connection; the last one again and again. Returns its address.
    async fn server(answers: &'static [&'static str]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let mut left = answers.iter().copied();
            let mut answer = "";
            while let Ok((mut stream, _)) = listener.accept().await {
                answer = left.next().unwrap_or(answer);
                let _ = stream.read(&mut [0; 8192]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        url
    }

    async fn asked(answers: &'static [&'static str]) -> Result<StatusCode, String> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let server = Server { url: Some(server(answers).await), key_file: None };
        let context = Context { config_file: "none".into(), json: false };
        let answer = ask(&context, &server, Method::GET, "/", None, None, 10).await;
        answer.map(|Answer(code, ..)| code).map_err(|Sorry(why)| why)
    }

    const BUSY: &str =
        "HTTP/1.1 429 Too Many Requests\r\nretry-after: 0\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const LATER: &str =
        "HTTP/1.1 429 Too Many Requests\r\nretry-after: 60\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const DONE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";

    #[tokio::test]
    async fn a_server_that_is_asked_too_often_is_asked_again_when_it_says_so() {
        assert_eq!(asked(&[BUSY, BUSY, DONE]).await, Ok(StatusCode::OK));
        assert!(asked(&[BUSY]).await.unwrap_err().contains("too often"));
        assert_eq!(
            asked(&[LATER, DONE]).await,
            Ok(StatusCode::TOO_MANY_REQUESTS),
            "a minute is for the caller to wait"
        );
    }
}
