//! Pages that are printed or kept: one file each, no script, nothing from elsewhere.

use std::fmt::Write;

/// What people wrote, as text and never as markup.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// A page for a sheet of paper.
pub fn page(title: &str, body: &str) -> String {
    let title = escaped(title);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head>\
         <body>{body}</body></html>\n"
    )
}

/// A table of text; an empty one says so.
pub fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = String::from("<table><thead><tr>");
    for head in heads {
        let _ = write!(text, "<th scope=\"col\">{}</th>", escaped(head));
    }
    text.push_str("</tr></thead><tbody>");
    for row in rows {
        text.push_str("<tr>");
        for cell in row {
            let _ = write!(text, "<td>{}</td>", escaped(cell));
        }
        text.push_str("</tr>");
    }
    if rows.is_empty() {
        let _ = write!(text, "<tr><td colspan=\"{}\">Nothing.</td></tr>", heads.len());
    }
    text.push_str("</tbody></table>");
    text
}

/// Numbered boxes, as forms have them: label and what is filled in.
pub fn boxes(all: &[(&str, &str)]) -> String {
    let mut text = String::from("<dl>");
    for (label, value) in all {
        let _ = write!(text, "<div><dt>{}</dt><dd>{}</dd></div>", escaped(label), escaped(value));
    }
    text.push_str("</dl>");
    text
}

const STYLE: &str = "@page{margin:15mm}body{font:10.5pt/1.4 system-ui,sans-serif;color:#000;max-width:190mm;margin:8mm auto}\
h1{font-size:15pt;margin:0 0 4mm;border-bottom:2px solid #000}h2{font-size:11pt;margin:5mm 0 2mm}\
dl{display:grid;grid-template-columns:1fr 1fr;margin:0;border:1px solid #000}dl div{border:1px solid #000;padding:1.5mm}\
dt{font-size:8pt}dd{margin:0;min-height:5mm}table{border-collapse:collapse;width:100%}\
th,td{border:1px solid #000;padding:1mm 2mm;text-align:left;vertical-align:top;overflow-wrap:anywhere}\
th{background:#eee}thead{display:table-header-group}tr{break-inside:avoid}footer{margin-top:5mm;font-size:9pt}\
.exercise{font-weight:bold;border:2px dashed #000;padding:2mm;text-align:center}\
@media screen{body{padding:0 4mm}}@media screen and (max-width:500px){thead{display:none}tr{display:block;border:1px solid #000;\
margin-top:-1px}td{display:block;border:0}td:first-child{font-weight:bold}}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_cell_is_text() {
        let text = table(&["a"], &[vec!["<script>alert('x')</script> & \"co\"".into()]]);
        assert!(!text.contains("<script"), "{text}");
        assert!(text.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;co&quot;"));
    }
}
