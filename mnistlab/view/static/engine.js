// Lets the engine answer: it stands behind the scripts of "Try it", before they start.
{
  const said = document.getElementById("engine");
  const { id, weights, step } = said.dataset;
  const { use, enter, run } = Network.prototype;

  // Which weights the page uses: those that it was opened with, or a snapshot's.
  Network.prototype.use = function (tensors) {
    use.call(this, tensors);
    const snapshot = this.facts.epochs.find((one) => one.tensors === tensors);
    this.weights = snapshot ? `epoch-${snapshot.epoch}` : weights;
  };

  // Keep the pixels in the order in which the network takes them.
  Network.prototype.enter = function (pixels, memory) {
    enter.call(this, pixels, memory);
    memory.pixels = Uint8Array.from(pixels, (_, i) => pixels[this.order ? this.order[i] : i]);
  };

  // The page computes the layers, the engine the answer. It cannot switch a unit off: then the page
  // answers alone. It does so, too, while the engine loads or compiles what this network needs.
  let preparing = null;
  Network.prototype.run = async function (memory, layers = this.layers.length) {
    run.call(this, memory, layers);
    if (layers < this.layers.length || this.layers.some((layer) => layer.off.size)) return;
    if (this.engineAnswers) return askEngine(this, memory);
    preparing ??= askEngine(this, memory).then(() => {
      preparing = null;
      for (const { tryIt } of document.querySelectorAll(".try-it")) if (tryIt) tryIt.changed(tryIt.active);
    });
  };

  async function askEngine(network, memory) {
    const asked = new URLSearchParams({ id, weights: network.weights });
    try {
      const answer = await fetch(`answer?${asked}`, {
        method: "POST", body: memory.pixels, headers: { "content-type": "application/octet-stream" },
      });
      const told = await answer.json();
      if (!answer.ok) throw new Error(told.errors.join("; "));
      memory.at(-1).set(told.outputs.map((value) => value ?? NaN));
      network.engineAnswers = (network.engineAnswers ?? 0) + 1;
      const isNewer = network.weights === weights && told.step !== Number(step);
      said.textContent = isNewer ? `The answers are of step ${told.step}: the run has trained on. Load the page again for the layers of that step.` : "";
    } catch (error) {
      said.textContent = `mnistlab does not answer (${error.message}); these are the page's own answers.`;
    }
  }
}
startAll(document.querySelectorAll(".try-it"));
