// A stand-in for the library that Finesse serves to gadgets: its documented objects, as far as a gadget that
// watches its agent's calls needs them. Cisco's own file is served where FINESSE_JS names it.
var finesse = finesse || {};
(function () {
  "use strict";
  var prefs = new gadgets.Prefs(), id = prefs.getString("id"), password = parent.sessionStorage.getItem("userFinesseAuth");

  // What a gadget of ours may not touch: whoever reads it is written down.
  var secrets = { authorization: password, authToken: "secret-token", password: "secret" };
  parent.touched = parent.touched || [];
  finesse.gadget = finesse.gadget || {};
  finesse.gadget.Config = new Proxy({ id: id, host: location.hostname, hostPort: location.port, country: "CA", extension: prefs.getString("extension") }, {
    get: function (config, name) {
      if (name in secrets) {
        parent.touched.push(String(name));
        return secrets[name];
      }
      return config[name];
    }
  });

  function ask(path, done) {
    fetch("/finesse/api/" + path, { headers: { Authorization: "Basic " + password } }).then(function (answer) {
      if (!answer.ok) { return; }
      answer.text().then(function (text) { done(new DOMParser().parseFromString(text, "text/xml").documentElement); });
    });
  }

  function text(element, name) {
    var found = element.getElementsByTagName(name)[0];
    return found ? found.textContent : undefined;
  }

  function Dialog(element) {
    var changed = [];
    this.take = function (fresh) { element = fresh; changed.forEach(function (act) { act(); }); };
    this.getId = function () { return text(element, "id"); };
    this.getFromAddress = function () { return text(element, "fromAddress"); };
    this.getToAddress = function () { return text(element, "toAddress"); };
    this.getState = function () { return text(element, "state"); };
    this.getMediaProperties = function () {
      return { callType: text(element, "callType"), DNIS: text(element, "DNIS"), dialedNumber: text(element, "dialedNumber") };
    };
    this.addHandler = function (event, act) { if (event === "change") { changed.push(act); } };
  }

  function Dialogs(of, options) {
    var all = {}, self = this, loaded = false;
    this.getCollection = function () { return all; };
    function look() {
      ask("User/" + of + "/Dialogs", function (list) {
        var seen = {};
        Array.prototype.forEach.call(list.getElementsByTagName("Dialog"), function (element) {
          var key = text(element, "id");
          seen[key] = true;
          if (all[key]) { all[key].take(element); return; }
          all[key] = new Dialog(element);
          if (loaded && options.onCollectionAdd) { options.onCollectionAdd(all[key]); }
        });
        Object.keys(all).forEach(function (key) {
          var gone = all[key];
          if (seen[key]) { return; }
          delete all[key];
          if (options.onCollectionDelete) { options.onCollectionDelete(gone); }
        });
        if (!loaded) { loaded = true; if (options.onLoad) { options.onLoad(self); } }
      });
    }
    gadgets.Hub.subscribe("finesse.api.User." + of + ".Dialogs", look);
    look();
  }

  finesse.restservices = {
    User: function (options) {
      var user;
      this.getExtension = function () { return text(user, "extension"); };
      this.getTeamName = function () { return text(user, "teamName"); };
      this.getDialogs = function (handlers) { return new Dialogs(options.id, handlers); };
      var self = this;
      ask("User/" + options.id, function (element) { user = element; options.onLoad(self); });
    }
  };
  finesse.clientservices = { ClientServices: { init: function () {}, registerOnConnectHandler: function () {}, registerOnDisconnectHandler: function () {} } };
  finesse.cslogger = { ClientLogger: { init: function () {}, log: function (line) { parent.desktop.log(line); } } };
  finesse.containerservices = {
    ContainerServices: {
      Topics: { ACTIVE_TAB: "finesse.containerservices.activeTab" },
      init: function () { return this; },
      addHandler: function (topic, act) { gadgets.Hub.subscribe(topic, act); },
      makeActiveTabReq: function () { gadgets.Hub.publish("finesse.containerservices.requests", { type: "ActiveTabReq" }); }
    },
    FinesseToaster: { init: function () {}, showToaster: function (title, options) { parent.desktop.toast(title, options.body); } }
  };
}());
