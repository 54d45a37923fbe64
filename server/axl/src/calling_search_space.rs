//! Calling search spaces. A list carries the names of their members joined, a get each with its place.

use crate::client::Client;
use crate::envelope::Request;
use crate::error::Error;
use crate::xml::Element;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Css {
    pub uuid: String,
    pub name: String,
    /// Partition names in the order of their index, not of the document.
    pub members: Vec<String>,
}

impl Client {
    /// Every calling search space with its members, and the names of those that were deleted meanwhile. One list says it
    /// all, where its order proves to be that of the members; else each is asked for by itself.
    ///
    /// # Errors
    /// As every read.
    pub async fn calling_search_spaces(&self) -> Result<(Vec<Css>, Vec<String>), Error> {
        let listed =
            self.list(&Request::read("listCss").search("name", "%").returned(&["clause", "name"]), "css").await?;
        let mut listed: Vec<Css> = listed.iter().filter_map(of_list).collect();
        let mut gone = Vec::new();
        let is_trusted = self.is_in_order(&mut listed, &mut gone).await?;
        let mut all = Vec::new();
        for css in listed {
            if is_trusted && is_whole(&css) {
                all.push(css);
                continue;
            }
            match self.css(&css.uuid).await {
                Ok(css) => all.push(css),
                Err(Error::NotFound { .. }) => gone.push(css.name),
                Err(error) => return Err(error),
            }
        }
        Ok((all, gone))
    }

    /// No document says that the names stand in the order of the members: one that has several is looked at.
    async fn is_in_order(&self, listed: &mut Vec<Css>, gone: &mut Vec<String>) -> Result<bool, Error> {
        while let Some(at) = listed.iter().position(|css| css.members.len() > 1) {
            match self.css(&listed[at].uuid).await {
                Ok(css) => return Ok(css.members == listed[at].members),
                Err(Error::NotFound { .. }) => gone.push(listed.remove(at).name),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// One calling search space with its ordered members.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none with that uuid; else as every read.
    pub async fn css(&self, uuid: &str) -> Result<Css, Error> {
        let braced = format!("{{{}}}", uuid.trim_matches(['{', '}']));
        let request = Request::read("getCss").text("uuid", &braced).returned(&["members", "name"]);
        let answer = self.call(&request).await?;
        let not_found = || Error::NotFound { what: format!("calling search space {uuid}") };
        let css = answer.find("css").ok_or_else(not_found)?;
        let mut members: Vec<(u32, String)> = css
            .child("members")
            .into_iter()
            .flat_map(|members| members.children_named("member"))
            .filter_map(|member| {
                let index = member.text_of("index").and_then(|text| text.parse().ok()).unwrap_or(u32::MAX);
                Some((index, member.text_of("routePartitionName")?))
            })
            .collect();
        members.sort_by_key(|(index, _)| *index);
        Ok(Css {
            uuid: css.uuid.clone().unwrap_or_else(|| uuid.to_owned()),
            name: css.text_of("name").ok_or_else(not_found)?,
            members: members.into_iter().map(|(_, name)| name).collect(),
        })
    }

    /// Replaces all members, in this order: one write, and its own exact inverse.
    ///
    /// # Errors
    /// As every write; [`Error::OutcomeUnknown`] must be read back.
    pub async fn set_css_members(&self, uuid: &str, members: &[String]) -> Result<(), Error> {
        let request = Request::write("updateCss", uuid).group("members", |request| {
            members.iter().enumerate().fold(request, |request, (at, name)| {
                request.group("member", |member| {
                    member.text("routePartitionName", name).text("index", &(at + 1).to_string())
                })
            })
        });
        self.call(&request).await.map(|_| ())
    }
}

/// Source: AXL schema, `clause` of `RCss`; that a colon joins the names: public listings of CUCM's tables.
fn of_list(row: &Element) -> Option<Css> {
    let clause = row.text_of("clause").unwrap_or_default();
    let members = clause.split(':').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    Some(Css { uuid: row.uuid.clone()?, name: row.text_of("name")?, members })
}

/// The field holds 1024 characters; one without members may be one whose clause is not sent.
fn is_whole(css: &Css) -> bool {
    let length = css.members.iter().map(|name| name.len() + 1).sum::<usize>();
    !css.members.is_empty() && length < 1024
}
