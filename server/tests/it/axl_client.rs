//! The AXL client against the simulator: sessions, versions, certificates, faults; and every
//! message it can send, kept for the schema check.

use axl::time_schedule::NO_OFFICE_HOURS;
use axl::{Client, Config, Credentials, Error, Trust, Version};
use simulators::CucmSim;
use simulators::cucm::model::{SipRoutePattern, VoiceMailPilot};
use simulators::cucm::{Clause, Sql};
use std::time::Duration;

fn config(sim: &CucmSim, user: &str) -> Config {
    Config {
        url: sim.url(),
        credentials: Credentials { username: user.into(), password: "axl-demo".into() },
        trust: Trust::Pins(vec![sim.fingerprint()]),
        version: None,
        timeout: Duration::from_secs(2),
    }
}

fn client(sim: &CucmSim) -> Client {
    Client::new(config(sim, "axl-lockdown")).unwrap()
}

#[tokio::test]
async fn every_operation_works_and_its_messages_are_kept_for_the_schema_check() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("axl-exchanges");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    for version in Version::ALL {
        let sim = CucmSim::start("acme-north").await.unwrap();
        sim.edit(|cluster| {
            cluster.sip_route_patterns.push(SipRoutePattern {
                pattern: "*.itsp.example".into(),
                partition: Some("PT-SIP".into()),
                blocked: false,
                trunk: "TRUNK-PSTN".into(),
            });
            let pilot = |number: &str| VoiceMailPilot { number: number.into(), css: Some("CSS-FORWARD".into()) };
            cluster.voice_mail_pilots = vec![pilot("8000"), VoiceMailPilot::default()];
            cluster.partition("PT-LOCKDOWN-OUT").unwrap().zone = Some("America/Toronto".into());
        });
        let client = Client::new(Config { version: Some(version), ..config(&sim, "axl-lockdown") }).unwrap();
        every_operation(&client).await;
        for (n, exchange) in sim.exchanges().iter().enumerate() {
            let name = format!("{version}-{n:03}-{}", exchange.operation);
            std::fs::write(folder.join(format!("{name}.request.xml")), &exchange.request).unwrap();
            std::fs::write(folder.join(format!("{name}.response.xml")), &exchange.response).unwrap();
        }
    }
}

async fn every_operation(client: &Client) {
    assert!(client.ccm_version().await.unwrap().starts_with("15."));
    let cursor = client.changes(None).await.unwrap().cursor;
    let patterns = client.route_patterns(Some("PT-PSTN-LD")).await.unwrap();
    assert_eq!(patterns.len(), 2);
    assert!(client.route_patterns(None).await.unwrap().len() > 30);
    let leads = client.route_pattern_destination(&patterns[0].uuid).await.unwrap();
    assert_eq!(leads, axl::route_pattern::Destination::RouteList("RL-PSTN".into()));
    client.block_route_pattern(&patterns[0].uuid, true).await.unwrap();
    assert!(client.route_patterns(Some("PT-PSTN-LD")).await.unwrap()[0].blocked);
    let sip = client.sip_route_patterns(None).await.unwrap();
    client.block_sip_route_pattern(&sip[0].uuid, true).await.unwrap();
    assert!(client.sip_route_patterns(Some("PT-SIP")).await.unwrap()[0].blocked);
    client.block_sip_route_pattern(&sip[0].uuid, false).await.unwrap();
    let trans = client.trans_patterns(Some("PT-INBOUND-DID")).await.unwrap();
    client.block_trans_pattern(&trans[0].uuid, true).await.unwrap();
    client.redirect_trans_pattern(&trans[0].uuid, Some("5911"), Some("CSS-TO-EOC")).await.unwrap();
    client.redirect_trans_pattern(&trans[1].uuid, None, None).await.unwrap();
    let after = client.trans_patterns(None).await.unwrap();
    let found = |uuid: &str| after.iter().find(|t| t.uuid == uuid).unwrap();
    assert_eq!(found(&trans[0].uuid).mask.as_deref(), Some("5911"));
    assert_eq!((&found(&trans[1].uuid).mask, &found(&trans[1].uuid).css), (&None, &None));
    let (all, gone) = client.calling_search_spaces().await.unwrap();
    assert_eq!((all.len(), gone.len()), (12, 0));
    let uuid = all.into_iter().find(|css| css.name == "CSS-FORWARD").unwrap().uuid;
    let css = client.css(&uuid).await.unwrap();
    assert_eq!(css.members[0], "PT-EMERGENCY", "members are in the order of their index");
    let reversed: Vec<String> = css.members.iter().rev().cloned().collect();
    client.set_css_members(&uuid, &reversed).await.unwrap();
    assert_eq!(client.css(&uuid).await.unwrap().members, reversed);
    let partitions = client.partitions().await.unwrap();
    let locked = partitions.iter().find(|p| p.name == "PT-LOCKDOWN-OUT").unwrap();
    let zones: Vec<&str> = partitions.iter().filter_map(|p| p.zone.as_deref()).collect();
    assert_eq!(zones, ["America/Toronto"], "a zone that stands there by default is none");
    client.set_partition_schedule(&locked.uuid, None).await.unwrap();
    client.set_partition_schedule(&locked.uuid, Some("TS-OFFICE")).await.unwrap();
    let never: Vec<_> = client
        .time_schedules()
        .await
        .unwrap()
        .0
        .into_iter()
        .filter(|s| s.periods.iter().all(|p| p.start.as_deref() == Some(NO_OFFICE_HOURS)))
        .map(|s| s.name)
        .collect();
    assert_eq!(never, ["TS-NEVER"]);
    assert_eq!(client.hunt_pilots("5911").await.unwrap().len(), 1);
    let pilots = client.voice_mail_pilots().await.unwrap();
    assert_eq!(pilots.len(), 1, "one without a number is none");
    assert_eq!((pilots[0].number.as_str(), pilots[0].css.as_deref()), ("8000", Some("CSS-FORWARD")));
    assert!(client.sip_trunks("%").await.unwrap().iter().any(|trunk| trunk.name == "TRUNK-PSTN"));
    assert_eq!(client.sql("name from device order by name").await.unwrap().len(), 32);
    assert_eq!(client.lines("592_").await.unwrap().len(), 4);
    let changes = client.changes(Some(&cursor)).await.unwrap();
    assert_eq!((changes.uuids.len(), changes.gap), (9, false), "one for each change made");
}

#[tokio::test]
async fn an_expired_session_is_renewed_without_anybody_noticing() {
    let sim = CucmSim::start("acme-north").await.unwrap();
    let client = client(&sim);
    client.partitions().await.unwrap();
    sim.expire_sessions();
    client.partitions().await.unwrap();
}

#[tokio::test]
async fn a_schedule_deleted_since_it_was_listed_is_skipped_and_named() {
    let sim = CucmSim::start("acme-north").await.unwrap();
    sim.faults().deleted_meanwhile = vec!["TS-OFFICE".into()];
    let (schedules, gone) = client(&sim).time_schedules().await.unwrap();
    assert_eq!(gone, ["TS-OFFICE"]);
    assert!(!schedules.is_empty() && schedules.iter().all(|schedule| schedule.name != "TS-OFFICE"));
}

#[tokio::test]
async fn the_members_of_a_calling_search_space_are_right_whatever_the_list_says_of_them() {
    let sim = CucmSim::start("acme-north").await.unwrap();
    let client = client(&sim);
    client.ccm_version().await.unwrap();
    let want: Vec<(String, Vec<String>)> =
        sim.cluster().calling_search_spaces.iter().map(|css| (css.name.clone(), css.members.clone())).collect();
    for (clause, most) in [(Clause::Ordered, 2), (Clause::Sorted, 14), (Clause::Missing, 13)] {
        sim.faults().clause = clause;
        let (answer, requests) = axl::counted(client.calling_search_spaces()).await;
        let (found, gone) = answer.unwrap();
        let found: Vec<_> = found.into_iter().map(|css| (css.name, css.members)).collect();
        assert_eq!((found, gone.len()), (want.clone(), 0), "{clause:?}");
        assert_eq!(requests, most, "{clause:?}");
    }
    // One is deleted while it is looked at.
    sim.faults().clause = Clause::Ordered;
    sim.faults().deleted_meanwhile = vec!["CSS-DRILL".into()];
    let (found, gone) = client.calling_search_spaces().await.unwrap();
    assert_eq!((found.len(), gone), (want.len() - 1, vec!["CSS-DRILL".to_owned()]));
}

#[tokio::test]
async fn sql_comes_in_pages_and_a_refusal_is_told_from_a_wrong_password() {
    let mut cluster = simulators::cucm::Cluster::named("acme-north").unwrap();
    let line = cluster.lines[0].clone();
    cluster.lines =
        (0..4_500).map(|n| simulators::cucm::model::Number { pattern: format!("7{n:05}"), ..line.clone() }).collect();
    let sim = CucmSim::with_cluster(cluster, 0, None).await.unwrap();
    let client = client(&sim);
    let query = "dnorpattern as number from numplan where tkpatternusage = 2 order by dnorpattern";
    // Another one asks meanwhile.
    let ((answer, requests), others) = tokio::join!(axl::counted(client.sql(query)), client.lines("4_%"));
    let rows = answer.unwrap();
    others.unwrap();
    assert_eq!((rows.len(), rows[4_499].text("number")), (4_500, Some("704499")));
    // Besides, the version is found.
    assert_eq!(requests, 3);
    assert!(matches!(client.sql("nothing from numplan").await, Err(Error::Rejected { .. })));
    sim.faults().sql = Sql::Refused;
    assert_eq!(client.sql(query).await, Err(Error::NoSql));
    assert!(client.partitions().await.is_ok(), "the account is good for all else");
}

#[tokio::test]
async fn the_version_is_negotiated_down_and_up_and_a_strange_one_is_named() {
    for (offered, settled) in [("12.5", Version::V12_5), ("15.0", Version::V15_0), ("14.0", Version::V14_0)] {
        let sim = CucmSim::start("acme-north").await.unwrap();
        sim.faults().versions = vec![offered.into()];
        let client = client(&sim);
        client.ccm_version().await.unwrap();
        assert_eq!(client.version(), settled);
    }
    let sim = CucmSim::start("acme-north").await.unwrap();
    sim.faults().versions = vec!["11.5".into()];
    assert!(matches!(client(&sim).ccm_version().await, Err(Error::Version { offered }) if offered.contains("11.5")));
}

#[tokio::test]
async fn a_pin_believes_this_certificate_only_and_a_ca_refuses_a_ca_certificate_as_a_server() {
    let sim = CucmSim::start("acme-north").await.unwrap();
    let with = |trust| Client::new(Config { trust, ..config(&sim, "axl-lockdown") }).unwrap();
    assert!(with(Trust::Insecure).ccm_version().await.is_ok());
    let wrong = with(Trust::Pins(vec![[0; 32]])).ccm_version().await.unwrap_err();
    assert!(matches!(&wrong, Error::Certificate { why } if why.contains("not pinned")), "{wrong}");
    assert!(matches!(with(Trust::System).ccm_version().await, Err(Error::Certificate { .. })));
    let ca = with(Trust::Ca(sim.certificate_pem().as_bytes().to_vec())).ccm_version().await;
    assert!(matches!(ca, Err(Error::Certificate { .. })), "a self-signed CUCM certificate needs a pin: {ca:?}");
    let shown = axl::shown_by(&sim.url()).await.unwrap().fingerprint();
    assert_eq!(Trust::pin_from_hex(&shown), Some(sim.fingerprint()));
}

#[tokio::test]
async fn refusals_are_named_and_never_looped() {
    let sim = CucmSim::start("acme-north").await.unwrap();
    let reader = Client::new(config(&sim, "axl-reader")).unwrap();
    let uuid = reader.partitions().await.unwrap()[0].uuid.clone();
    assert_eq!(reader.set_partition_schedule(&uuid, None).await, Err(Error::MayNotWrite));
    let nobody = Client::new(config(&sim, "nobody")).unwrap();
    assert_eq!(nobody.ccm_version().await, Err(Error::Forbidden));
    let stranger = Client::new(config(&sim, "stranger")).unwrap();
    assert_eq!(stranger.ccm_version().await, Err(Error::BadCredentials));
    let client = client(&sim);
    let missing = "00000000-0000-0000-0000-000000000000";
    assert!(matches!(client.css(missing).await, Err(Error::NotFound { .. })));
    assert!(matches!(client.block_route_pattern(missing, true).await, Err(Error::NotFound { .. })));
    assert!(
        matches!(client.set_partition_schedule(&uuid, Some("TS-NOWHERE")).await, Err(Error::Rejected { code, .. }) if code == "-691")
    );
    sim.stop().await;
    assert!(matches!(client.ccm_version().await, Err(Error::Unreachable { .. })));
}

#[tokio::test]
async fn a_lost_answer_to_a_write_is_an_unknown_outcome_and_to_a_read_it_is_not() {
    let sim = CucmSim::start("acme-north").await.unwrap();
    let client = client(&sim);
    let uuid = client.route_patterns(Some("PT-PSTN-LD")).await.unwrap()[0].uuid.clone();
    sim.faults().lose_answer = 1;
    assert!(matches!(client.block_route_pattern(&uuid, true).await, Err(Error::OutcomeUnknown { .. })));
    assert!(client.route_patterns(Some("PT-PSTN-LD")).await.unwrap()[0].blocked, "it was applied");
    sim.faults().half_open = 1;
    assert!(matches!(client.block_route_pattern(&uuid, false).await, Err(Error::OutcomeUnknown { .. })));
    sim.faults().half_open = 1;
    assert!(matches!(client.partitions().await, Err(Error::Unreachable { .. })));
    sim.faults().html = 1;
    assert!(matches!(client.partitions().await, Err(Error::NotAxl { status: 200, .. })));
    *sim.faults() = simulators::cucm::Faults { throttle: 1, retry_after: Some(3), ..Default::default() };
    assert!(
        matches!(client.partitions().await, Err(Error::Busy { retry_after: Some(wait), .. }) if wait.as_secs() == 3)
    );
}

#[tokio::test]
async fn a_list_too_large_is_read_in_pages_and_nils_mean_none() {
    let sim = CucmSim::start("acme-north").await.unwrap();
    let whole = client(&sim).route_patterns(None).await.unwrap();
    sim.faults().max_rows = Some(10);
    sim.faults().nils = true;
    assert_eq!(client(&sim).route_patterns(None).await.unwrap(), whole);
}

#[tokio::test]
async fn a_subscriber_shows_what_was_replicated_and_takes_no_writes() {
    let sim = CucmSim::start("acme-north").await.unwrap();
    sim.pause_replication();
    let publisher = client(&sim);
    let subscriber = Client::new(Config { url: sim.subscriber_url(), ..config(&sim, "axl-lockdown") }).unwrap();
    let uuid = publisher.route_patterns(Some("PT-PSTN-LD")).await.unwrap()[0].uuid.clone();
    publisher.block_route_pattern(&uuid, true).await.unwrap();
    let blocked = async || subscriber.route_patterns(Some("PT-PSTN-LD")).await.unwrap()[0].blocked;
    assert!(!blocked().await);
    sim.resume_replication();
    assert!(blocked().await);
    assert!(matches!(subscriber.block_route_pattern(&uuid, false).await, Err(Error::Rejected { .. })));
}
