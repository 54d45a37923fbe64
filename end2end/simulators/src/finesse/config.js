
// The configuration that libraries after 10.6(1) bring themselves, from the gadget's preferences.
finesse.gadget = finesse.gadget || {};
finesse.gadget.Config = finesse.gadget.Config || (function () {
  var prefs = new gadgets.Prefs(), config = { authorization: parent.sessionStorage.getItem("userFinesseAuth") };
  ["id", "host", "hostPort", "restHost", "localhostPort", "scheme", "extension", "locale"].forEach(function (name) {
    config[name] = prefs.getString(name);
  });
  return config;
}());
