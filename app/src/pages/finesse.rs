//! The gadget's file, and what to do with it in Finesse. Administrators only.

use crate::components::frame::{Frame, Trouble};
use crate::pages::Refused;
use crate::server_functions::gadget::finesse;
use crate::server_functions::session::sign_in;
use crate::view::{FinesseView, GadgetFileView, Outcome};
use leptos::prelude::*;
use leptos_meta::Title;
use lockdown::ids::SiteId;

#[component]
pub(crate) fn FinessePage() -> impl IntoView {
    let known = Resource::new(|| (), |()| sign_in());
    let page = Resource::new(|| (), |()| finesse());
    let refused = StoredValue::new(match use_context::<Outcome>() {
        Some(Outcome::Refused(error)) => Some(error.to_string()),
        _ => None,
    });
    view! {
        <Title text="Finesse gadget"/>
        <Suspense>
            {move || page.get().map(|answer| match answer {
                Ok(FinesseView { me, origins, address, version, sites, files }) => view! {
                    <Frame me=Some(me) here="/admin/finesse">
                        <div class="narrow wide">
                            <h1>"Finesse gadget"</h1>
                            {refused.get_value().map(|text| view! { <Trouble text/> })}
                            {if origins.is_empty() {
                                view! { <p class="notice">"Not configured: name the Finesse servers in " <code>"[finesse] origins"</code> ", then start the server again."</p> }.into_any()
                            } else {
                                view! { <NewFile sites version/><Files files/><Steps origins address/> }.into_any()
                            }}
                        </div>
                    </Frame>
                }.into_any(),
                Err(error) => view! { <Refused error me=known.get().and_then(Result::ok).and_then(|view| view.me) return_to="/admin/finesse"/> }.into_any(),
            })}
        </Suspense>
    }
}

#[component]
fn NewFile(sites: Vec<(SiteId, String)>, version: String) -> impl IntoView {
    let choices = sites.into_iter().map(|(id, name)| view! { <option value=id.to_string()>{name}</option> });
    let choices = choices.collect_view();
    view! {
        <section class="card">
            <h2>"Make a file"</h2>
            <p>"Each file has a key of its own that shows the state of one site and does nothing else. To take a file back, revoke its key on the page " <a href="/admin/clients">"Keys"</a> "."</p>
            <form method="post" action="/admin/finesse/file" class="buttons">
                <label for="site">"Site"</label>
                <select id="site" name="site">{choices}</select>
                <button type="submit" class="button primary">"Download the gadget, version " {version}</button>
            </form>
        </section>
    }
}

#[component]
fn Files(files: Vec<GadgetFileView>) -> impl IntoView {
    let none = files.is_empty();
    let row = |file: GadgetFileView| {
        let tone = if file.live { "plain" } else { "attention" };
        view! {
            <li class="card key"><div class="key-words">
                <strong>{file.name}</strong>
                <span class="rights" data-tone=tone>{file.state}</span>
                <span>"SHA-256 " <code>{file.hash}</code></span>
                <small>"made " {file.made.clock}</small>
            </div></li>
        }
    };
    view! {
        <section>
            <h2>"Files that were made"</h2>
            {none.then(|| view! { <p>"None yet."</p> })}
            <p>"Compare with " <code>"sha256sum"</code> " of what lies on the Finesse server, or run " <code>"pstn-lockdown finesse check FILE"</code> "."</p>
            <ul class="people">{files.into_iter().map(row).collect_view()}</ul>
        </section>
    }
}

/// Filled in with the names of this installation. The whole guide is in the server's own documentation.
#[component]
fn Steps(origins: Vec<String>, address: String) -> impl IntoView {
    let path = "/3rdpartygadget/files/pstn-lockdown/";
    view! {
        <section class="card">
            <h2>"In Finesse"</h2>
            <p>"On every node: " {origins.join(", ")}</p>
            <ol class="plain">
                <li><code>"utils reset_3rdpartygadget_password"</code> ": a password for the upload. Each node has its own."</li>
                <li>"By SFTP, as user " <code>"3rdpartygadget"</code> ", put the file into " <code>"/files/pstn-lockdown/"</code> ", mode 644, the folder readable."</li>
                <li>"Desktop Layout, for the EOC's team, in a tab of its own: " <code>{format!("<gadget>{path}FILE.xml</gadget>")}</code></li>
                <li>"For every other team, under " <code>"<page>"</code> ", as a strip: " <code>{format!("<gadget>{path}FILE.xml?view=slim</gadget>")}</code></li>
                <li><code>"utils webproxy cache clear shindig"</code> ". If the old one still shows: restart Cisco Finesse Tomcat, in a maintenance window."</li>
                <li>"15.0(1) SU1 and later: allow frames from " <code>{address.clone()}</code> " in the content security policy, as the SU1 Administration Guide says."</li>
                <li>"Browsers: trust the certificate of " <code>{address.clone()}</code> ", allow its windows when it is embedded, keep partitioned cookies."</li>
                <li>"Firewall: agents reach " <code>{address}</code> " on 443. Finesse itself reaches nothing of ours."</li>
            </ol>
        </section>
    }
}
