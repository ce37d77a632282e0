// Asks the browser for a passkey and sends its answer with the form it was asked in.
//
// <form data-passkey="create" or "get" data-options="id of a JSON script"> or, where what is asked
// is only made up when somebody asks, data-options-from="address". The form has a hidden field
// `credential`, a button, and a .fault for what went wrong.

const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

const words = (buffer) =>
  buffer &&
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");

const keys = (list) => (list ?? []).map((key) => ({ ...key, id: bytes(key.id) }));

const FAULTS = {
  NotAllowedError: "No passkey was given. Try again, or use another way.",
  InvalidStateError: "This device has a passkey of yours already.",
  SecurityError: "Passkeys work only where the address is a name: a host name behind https, or localhost.",
  NotSupportedError: "This device cannot make the passkey that is asked for.",
};

function asked(options, creating) {
  const given = { ...options.publicKey, challenge: bytes(options.publicKey.challenge) };
  if (creating) {
    given.user = { ...given.user, id: bytes(given.user.id) };
    given.excludeCredentials = keys(given.excludeCredentials);
  } else {
    given.allowCredentials = keys(given.allowCredentials);
  }
  return { publicKey: given };
}

function answer(credential) {
  const { response } = credential;
  const said = { clientDataJSON: words(response.clientDataJSON) };
  if (response.attestationObject) {
    said.attestationObject = words(response.attestationObject);
    said.transports = response.getTransports?.() ?? [];
  } else {
    said.authenticatorData = words(response.authenticatorData);
    said.signature = words(response.signature);
    if (response.userHandle) said.userHandle = words(response.userHandle);
  }
  return {
    id: credential.id,
    rawId: words(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: said,
  };
}

async function options(form) {
  const from = form.dataset.optionsFrom;
  if (!from) return JSON.parse(document.getElementById(form.dataset.options).textContent);
  const got = await fetch(from, { headers: { Accept: "application/json" } });
  if (!got.ok) throw new DOMException("", "NotAllowedError");
  return (await got.json()).request_options;
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const button = form.querySelector("button");
  const fault = form.querySelector(".fault[role=alert]");
  form.hidden = false;
  button.addEventListener("click", async () => {
    fault.hidden = true;
    button.disabled = true;
    try {
      const creating = form.dataset.passkey === "create";
      if (!navigator.credentials) throw new DOMException("", "SecurityError");
      const wanted = asked(await options(form), creating);
      const ask = creating ? "create" : "get";
      form.elements.credential.value = JSON.stringify(answer(await navigator.credentials[ask](wanted)));
      form.submit();
    } catch (error) {
      fault.textContent = FAULTS[error.name] ?? "The passkey could not be used here.";
      fault.hidden = false;
      button.disabled = false;
    }
  });
}
