"use strict";
// Sends what is dropped to the demo's own server and shows what comes back. Data: the JSON element #about.
(() => {
  const about = JSON.parse(document.getElementById("about").textContent);
  const at = (id) => document.getElementById(id);
  const [drop, files, examples, record, status, refused] = ["drop", "files", "examples", "record", "status", "refused"].map(at);
  const samples = [...document.querySelectorAll(".sample")];
  const buttons = [examples, record, files, ...samples].filter(Boolean);
  const QUIET = 0.003; // a peak below this is no word
  const SPARE = 1000; // milliseconds that are recorded beyond what is sent
  const MOST_BYTES = 23e6; // base64 makes 31 MB of them; the server takes 32
  const EXAMPLES = Math.min(about.kind === "audio" ? 3 : 4, about.group_size);
  const KEYS = { right: "the right key", wrong: "a wrong key", none: "no key: the cloud's answers as they are", attack: "the attack's estimate" };
  let shown = null, key = "right", busy = false;

  const make = (name, attributes, parent, text) => {
    const svg = ["svg", "rect"].includes(name);
    const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [attribute, value] of Object.entries(attributes)) node.setAttribute(attribute, value);
    if (text !== undefined) node.textContent = text;
    if (parent) parent.append(node);
    return node;
  };
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const count = (number) => number.toLocaleString("en");
  const time = (milliseconds) => (milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds).toLocaleString("en"));
  const say = (text, bad = false) => { status.textContent = text; status.classList.toggle("bad", bad); };

  // --- asking ---
  const ask = async (body) => {
    if (busy) return;
    busy = true;
    for (const button of buttons) button.disabled = true;
    say("Mixing, asking the cloud, attacking: some seconds …");
    try {
      const response = await fetch(`api/query${location.search}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
      const result = await response.json();
      if (!response.ok) throw new Error(result.error);
      show(result);
    } catch (error) {
      say(`Nothing came back: ${error.message}`, true);
    } finally {
      busy = false;
      for (const button of buttons) button.disabled = button.dataset.missing === "1";
      files.value = "";
    }
  };

  const read = (file) => new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done({ name: file.name, base64: reader.result.slice(reader.result.indexOf(",") + 1) });
    reader.onerror = () => failed(new Error(`${file.name} cannot be read: ${reader.error.message}`));
    reader.readAsDataURL(file);
  });

  const send = async (list) => {
    const chosen = [...list];
    if (!chosen.length) return;
    const size = chosen.reduce((total, file) => total + file.size, 0);
    if (size > MOST_BYTES) return say(`These files have ${(size / 1e6).toFixed(1)} MB, at most ${MOST_BYTES / 1e6} MB can be sent at once: choose fewer.`, true);
    try {
      await ask({ files: await Promise.all(chosen.map(read)) });
    } catch (error) {
      say(error.message, true);
    }
  };

  // --- showing ---
  const show = (result) => {
    refused.replaceChildren();
    for (const file of result.refused) make("li", { class: "bad" }, refused, `${file.name}: ${file.reason}`);
    const sent = result.rows.length;
    say(sent ? `${sent} input${sent > 1 ? "s" : ""} and ${result.covers} cover${result.covers === 1 ? "" : "s"} were sent.` : "Nothing was sent.", !sent);
    if (!sent) return;
    shown = result;
    if (key === "attack" && !result.attack) key = "right";
    at("results").hidden = false;
    figures();
    keys();
    cards();
    strip();
  };

  const tile = (name, value, small, bad = false) => {
    const box = make("div", { class: bad ? "bad" : "" }, at("figures"));
    make("dt", {}, box, name);
    make("dd", {}, box, value);
    make("dd", { class: "small" }, box, small);
  };

  const figures = () => {
    at("figures").replaceChildren();
    const { attack, traffic, milliseconds } = shown, size = about.group_size;
    if (attack) {
      tile("best attack: agreement with the key", percent(attack.agreement), `${attack.name}; 100 %: the key is undone. Chance, the best of ${Object.keys(attack.tried).length} random rotations: ${percent(attack.chance)}. n = this one group`, attack.agreement > attack.chance + 0.1);
    } else {
      tile("best attack: agreement with the key", "not tried", "these mixtures have fewer independent directions than inputs");
    }
    tile("bytes up", count(traffic.up), `HTTP body of ${size} mixtures in ${traffic.wire}, covers included`);
    tile("bytes down", count(traffic.down), `HTTP body of ${size} answers`);
    tile("time with the cloud", `${time(milliseconds.cloud)} ms`, `prepare ${time(milliseconds.prepare)}, M_pre and mix ${time(milliseconds.mix)}, de-mix and M_post ${time(milliseconds.demix)}; the attack ${time(milliseconds.attack)} ms`);
    at("tried").textContent = attack ? `Agreement of each attack: ${Object.entries(attack.tried).map(([name, share]) => `${name} ${percent(share)}`).join(", ")}. ${about.left_out.length ? `Not tried, since they must be trained first (--attack_steps): ${about.left_out.join(", ")}.` : ""} The best of them is chosen with the true key, which an attacker does not have.` : "";
  };

  const keys = () => {
    const box = at("keys");
    for (const old of box.querySelectorAll("label")) old.remove();
    for (const [name, text] of Object.entries(KEYS)) {
      if (name === "attack" && !shown.attack) continue;
      const label = make("label", {}, box), input = make("input", { type: "radio", name: "key", value: name }, label);
      input.checked = name === key;
      input.addEventListener("change", () => { key = name; cards(); });
      label.append(text);
    }
  };

  const picture = (cell, alt, parent, features = true) => {
    const wanted = features ? cell.pictures : cell.pictures.slice(-1);
    wanted.forEach((source, index) => make("img", { src: source, alt: `${alt}${wanted.length > 1 && !index ? ": features" : ""}` }, parent));
    if (cell.sound) make("audio", { controls: "", preload: "none", src: cell.sound, "aria-label": alt }, parent);
  };

  // What the chosen key means, and what of it is chance.
  const note = () => {
    const { correlation, chance } = shown.columns.find((column) => column.key === key), found = correlation.toFixed(2);
    at("note").textContent = {
      right: `What this device sees. Correlation of rebuilt with raw inputs: ${found}.`,
      wrong: `What somebody sees who guesses the key. Correlation of rebuilt with raw inputs: ${found}.`,
      none: `What the cloud has without any attack: its answers, finished by M_post as they are, in a secret order. Correlation of rebuilt with raw inputs: ${found}.`,
      attack: shown.attack && `What ${shown.attack.name} makes of it, in the order and with the signs that the true key says. The same help gives random rotations something, too: agreement with the key ${percent(shown.attack.agreement)}, chance ${percent(shown.attack.chance)}; correlation of rebuilt with raw inputs ${found}, chance ${(chance ?? 0).toFixed(2)}. Only what is above chance was read from the mixtures.`,
    }[key];
  };

  const cards = () => {
    note();
    at("cards").replaceChildren();
    for (const row of shown.rows) {
      const card = make("article", { class: `item ${key}` }, at("cards"));
      make("h3", { title: row.name }, card, row.name);
      const pair = make("div", { class: "pair" }, card);
      for (const [name, text] of [["raw", "raw"], [key, `rebuilt with ${KEYS[key].replace(/:.*/, "")}`]]) {
        const figure = make("figure", {}, pair);
        picture(row.cells[name], `${row.name}, ${text}`, figure, false);
        make("figcaption", {}, figure, text);
      }
      const bars = make("ul", { class: `bars ${key}`, "aria-label": `Labels of ${row.name}` }, card);
      for (const [label, probability, truth] of row.labels[key]) {
        const item = make("li", {}, bars);
        make("span", { class: `what${truth === null ? "" : ` ${truth}`}` }, item, label);
        const bar = make("svg", { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, item);
        make("rect", { width: 100, height: 10, class: "track" }, bar);
        make("rect", { width: (100 * probability).toFixed(2), height: 10, class: "fill" }, bar);
        make("span", { class: "number" }, item, percent(probability));
      }
    }
  };

  const strip = () => {
    const table = at("strip");
    table.replaceChildren();
    const head = make("tr", {}, make("thead", {}, table)), body = make("tbody", {}, table);
    for (const column of shown.columns) make("th", { scope: "col" }, head, column.title);
    for (const row of shown.rows) {
      const line = make("tr", {}, body);
      for (const column of shown.columns) picture(row.cells[column.key], `${row.name}, ${column.title}`, make("td", {}, line));
    }
    const last = make("tr", { class: "figures" }, body);
    for (const column of shown.columns) {
      const cell = make("td", {}, last, column.correlation === undefined ? "1" : column.correlation.toFixed(2));
      if (column.chance !== undefined) make("small", {}, cell, ` (the best random rotations: ${column.chance.toFixed(2)})`);
    }
  };

  // --- giving ---
  files.addEventListener("change", () => send(files.files));
  if (examples) examples.addEventListener("click", () => ask({ examples: EXAMPLES }));
  for (const sample of samples) {
    sample.addEventListener("click", () => {
      const { name } = sample.dataset;
      new Audio(about.sounds[name]).play().catch(() => undefined); // without a loudspeaker it is sent all the same
      ask({ samples: [name] });
    });
  }
  for (const event of ["dragenter", "dragover"]) drop.addEventListener(event, (e) => { e.preventDefault(); drop.classList.add("over"); });
  for (const event of ["dragleave", "drop"]) drop.addEventListener(event, (e) => { e.preventDefault(); drop.classList.remove("over"); });
  drop.addEventListener("drop", (event) => send(event.dataTransfer.files));
  for (const event of ["dragover", "drop"]) window.addEventListener(event, (e) => e.preventDefault()); // a file beside the zone must not replace the page

  // 16-bit mono WAV of samples in [-1, 1].
  const wav = (samples, rate) => {
    const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
    const text = (offset, letters) => [...letters].forEach((letter, index) => view.setUint8(offset + index, letter.charCodeAt(0)));
    text(0, "RIFF"); view.setUint32(4, 36 + 2 * samples.length, true); text(8, "WAVEfmt ");
    view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
    view.setUint32(24, rate, true); view.setUint32(28, 2 * rate, true); view.setUint16(32, 2, true); view.setUint16(34, 16, true);
    text(36, "data"); view.setUint32(40, 2 * samples.length, true);
    samples.forEach((sample, index) => view.setInt16(44 + 2 * index, Math.round(32767 * Math.max(-1, Math.min(1, sample))), true));
    return new Blob([view], { type: "audio/wav" });
  };

  // Of a longer recording so many samples around the middle of the loudest stretch of that length: where the word is.
  const word = (samples, length) => {
    let power = 0, most = -1, start = 0;
    for (let end = 0; end < samples.length; end++) {
      power += samples[end] ** 2 - (end >= length ? samples[end - length] ** 2 : 0);
      if (power > most && end >= length - 1) [most, start] = [power, end - length + 1];
    }
    const loudest = samples.slice(start, start + length);
    let middle = 0;
    loudest.forEach((sample, index) => { middle += (index * sample ** 2) / Math.max(most, 1e-12); });
    const from = Math.round(Math.min(Math.max(start + middle - length / 2, 0), Math.max(samples.length - length, 0)));
    return samples.slice(from, from + length);
  };

  // As loud as what the model learned from; microphones differ.
  const levelled = (samples) => {
    const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    if (peak < QUIET) throw new Error("there was no sound. Is the microphone on, and is it the right one?");
    return about.level ? samples.map((sample) => (sample * about.level) / peak) : samples;
  };

  const listen = async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
    try {
      const recorder = new MediaRecorder(stream), parts = [];
      recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
      const stopped = new Promise((done) => recorder.addEventListener("stop", done));
      recorder.start();
      say("Recording: speak now …");
      setTimeout(() => recorder.stop(), (1000 * about.samples) / about.sample_rate + SPARE);
      await stopped;
      const context = new AudioContext({ sampleRate: about.sample_rate }); // decodes to this rate, whatever the microphone's
      try {
        const decoded = await context.decodeAudioData(await new Blob(parts).arrayBuffer());
        return wav(levelled(word(decoded.getChannelData(0), about.samples)), about.sample_rate);
      } finally {
        await context.close();
      }
    } finally {
      for (const track of stream.getTracks()) track.stop();
    }
  };

  let recordings = 0;
  if (record) {
    if (!window.isSecureContext || !navigator.mediaDevices || !window.MediaRecorder) {
      record.disabled = true;
      record.dataset.missing = "1";
      at("microphone").textContent = "Recording is not available here: browsers allow it on 127.0.0.1, on localhost and over HTTPS only.";
    }
    record.addEventListener("click", async () => {
      record.disabled = true;
      try {
        const recorded = await listen();
        await send([new File([recorded], `recording ${++recordings}.wav`)]);
      } catch (error) {
        say(`Nothing was recorded: ${error.message}`, true);
      } finally {
        record.disabled = false;
      }
    });
  }

  // --- the attacker is fitted while the page is read already ---
  const wait = async () => {
    try {
      const state = await (await fetch(`api/state${location.search}`)).json();
      if (state.error) return say(`The attacker could not be fitted: ${state.error}`, true);
      if (state.ready) { if (!busy && !shown) say("Ready."); return undefined; }
      if (!busy && !shown) say(`The attacker is being fitted on ${count(about.examples)} ${about.known}; a query waits for it.`);
    } catch { return say("The demo does not answer; is it still running?", true); }
    return setTimeout(wait, 1000);
  };
  wait();
})();
