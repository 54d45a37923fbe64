// The container's side of a gadget: OpenSocial's `gadgets.*` as far as Finesse documents it, on the hub of the
// desktop around it. Written from the public documentation; the shape of io.makeRequest follows Apache Shindig.
var gadgets = (function () {
  "use strict";
  var query = new URLSearchParams(location.search), mid = query.get("mid");
  function nothing() {}
  return {
    Prefs: function () {
      return {
        getString: function (name) { return query.get("up_" + name) || ""; },
        getInt: function (name) { return parseInt(query.get("up_" + name), 10) || 0; },
        getMsg: function (name) { return name; },
        set: nothing
      };
    },
    Hub: {
      subscribe: function (topic, heard) { return parent.hub.subscribe(topic, heard); },
      unsubscribe: function (id) { parent.hub.unsubscribe(id); },
      publish: function (topic, data) { parent.hub.publish(topic, data); }
    },
    HubSettings: {},
    window: {
      adjustHeight: function (px) { parent.desktop.height(mid, px === undefined ? document.body.scrollHeight : px); },
      setTitle: function (text) { parent.desktop.title(mid, text); }
    },
    io: {
      RequestParameters: { METHOD: "METHOD", HEADERS: "HEADERS", CONTENT_TYPE: "CONTENT_TYPE", POST_DATA: "POST_DATA", REFRESH_INTERVAL: "REFRESH_INTERVAL", AUTHORIZATION: "AUTHORIZATION" },
      ContentType: { TEXT: "TEXT", JSON: "JSON", DOM: "DOM" },
      makeRequest: function (url, done, options) {
        options = options || {};
        fetch(url, { method: options.METHOD || "GET", headers: options.HEADERS || {}, body: options.POST_DATA }).then(function (answer) {
          return answer.text().then(function (text) {
            done({ text: text, data: text, content: text, rc: answer.status, headers: {}, errors: answer.ok ? [] : [answer.status + " Error"] });
          });
        });
      }
    },
    json: { parse: JSON.parse, stringify: JSON.stringify },
    util: { getUrlParameters: function () { return Object.fromEntries(query); }, registerOnLoadHandler: function (act) { addEventListener("load", act); } },
    loadingindicator: { dismiss: nothing, showLoading: nothing },
    views: { requestNavigateTo: nothing },
    start: function () { addEventListener("load", function () { if (gadgets.HubSettings.onConnect) { gadgets.HubSettings.onConnect(); } }); }
  };
}());
