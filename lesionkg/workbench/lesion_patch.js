// Three CT slices around a lesion on a canvas: window, zoom and scrolling happen here, the pixels are fetched once.
const PRESETS = [
  { name: "Soft tissue", level: 50, width: 400 },
  { name: "Lung", level: -600, width: 1500 },
  { name: "Liver", level: 60, width: 160 },
  { name: "Bone", level: 400, width: 1800 },
];
const LOWEST = -1024, HIGHEST = 3071, WIDEST = 4096, NEAREST = 8;

export default {
  template: `
  <div class="lk-ls-viewer">
    <div class="lk-ls-stage" tabindex="0" role="img" :aria-label="spoken" ref="stage" data-mark="stage"
         @keydown="key" @wheel="wheel" @pointerdown="grab" @pointermove="move" @pointerup="release"
         @pointercancel="release" @pointerleave="probe = ''">
      <div class="lk-ls-layer" :style="placed">
        <canvas v-if="url" ref="canvas" :width="columns" :height="rows" data-mark="slice"></canvas>
        <div v-else class="lk-ls-blank"></div>
        <svg v-if="overlay" :viewBox="'0 0 ' + columns + ' ' + rows" class="lk-ls-over" data-mark="overlay" aria-hidden="true">
          <rect v-if="box" :x="box[0] + 0.5" :y="box[1] + 0.5" :width="box[2] - box[0]" :height="box[3] - box[1]"
                class="lk-ls-box" data-mark="box"/>
          <template v-if="ends && slice === 1">
            <line :x1="ends[0] + 0.5" :y1="ends[1] + 0.5" :x2="ends[2] + 0.5" :y2="ends[3] + 0.5" class="lk-ls-long" data-mark="long"/>
            <line :x1="ends[4] + 0.5" :y1="ends[5] + 0.5" :x2="ends[6] + 0.5" :y2="ends[7] + 0.5" class="lk-ls-short" data-mark="short"/>
          </template>
        </svg>
      </div>
      <div class="lk-ls-corner lk-ls-tl">{{ url ? names[slice] : "slice " + (keySlice ?? "unknown") + ", extent only" }}</div>
      <div v-if="url" class="lk-ls-corner lk-ls-tr">L {{ level }}  W {{ width }}</div>
      <div v-if="probe" class="lk-ls-corner lk-ls-br">{{ probe }}</div>
      <div v-if="spacing" class="lk-ls-corner lk-ls-bl"><span class="lk-ls-rule" :style="{ width: ruler + 'px' }"></span>10 mm</div>
      <div v-if="problem" class="lk-ls-problem" role="alert">{{ problem }}</div>
    </div>
    <div class="lk-ls-tools">
      <div class="lk-ls-group" role="group" aria-label="Slice" v-if="url">
        <button v-for="(name, place) in ['Above', 'Key', 'Below']" type="button" :key="name" :class="{ 'lk-ls-on': slice === place }"
                :aria-pressed="slice === place" :data-mark="'slice-' + place" @click="show(place)">{{ name }}</button>
      </div>
      <div class="lk-ls-group" role="group" aria-label="Zoom">
        <button type="button" aria-label="Zoom out" @click="zoomBy(1 / 1.5)">−</button>
        <button type="button" aria-label="Zoom to the whole" data-mark="zoom" @click="fit">{{ Math.round(zoom * 100) }} %</button>
        <button type="button" aria-label="Zoom in" data-mark="zoom-in" @click="zoomBy(1.5)">+</button>
      </div>
      <div class="lk-ls-group">
        <button type="button" :aria-pressed="overlay" :class="{ 'lk-ls-on': overlay }" data-mark="marks" @click="overlay = !overlay">Box and diameters</button>
      </div>
    </div>
    <div class="lk-ls-tools" v-if="url">
      <div class="lk-ls-group" role="group" aria-label="Window">
        <button v-for="preset in presets" type="button" :key="preset.name" :class="{ 'lk-ls-on': level === preset.level && width === preset.width }"
                :aria-pressed="level === preset.level && width === preset.width" :data-mark="'window-' + preset.name"
                @click="use(preset)">{{ preset.name }}</button>
      </div>
    </div>
    <div class="lk-ls-sliders" v-if="url">
      <label>Level <input type="range" :min="-1024" :max="1500" step="5" v-model.number="level" data-mark="level"></label>
      <label>Width <input type="range" min="10" max="4096" step="10" v-model.number="width" data-mark="width"></label>
    </div>
    <p class="lk-quiet lk-small lk-ls-keys" v-if="url">Scroll or ↑ ↓ for slices, drag for the window, + − for zoom, 1 to {{ presets.length }} for presets, B for the marks.</p>
  </div>`,
  props: {
    url: String, size: Number, extent: Array, spacing: Number, gap: Number, box: Array, ends: Array, window: Array,
    keySlice: Number, label: String,
  },
  data() {
    const own = this.window ? [{ name: "As marked", level: (this.window[0] + this.window[1]) / 2, width: this.window[1] - this.window[0] }] : [];
    const known = own.some(one => PRESETS.some(two => two.level === one.level && two.width === one.width)) ? [] : own;
    const presets = [...PRESETS, ...known];
    const first = own[0] ?? PRESETS[0];
    return { presets, level: first.level, width: first.width, slice: 1, zoom: 1, x: 0, y: 0, overlay: true, problem: "", probe: "", side: 1 };
  },
  computed: {
    columns() { return this.url ? this.size : this.extent[0]; },
    rows() { return this.url ? this.size : this.extent[1]; },
    names() { return [`${this.gap} mm above`, `key slice ${this.keySlice ?? ""}`, `${this.gap} mm below`]; },
    placed() { return { transform: `translate(${this.x}px, ${this.y}px) scale(${this.zoom})` }; },
    ruler() { return (10 / this.spacing) * (this.side / this.columns) * this.zoom; },
    spoken() { return `${this.label}, ${this.url ? this.names[this.slice] : "no pixels"}`; },
  },
  watch: {
    level() { this.draw(); },
    width() { this.draw(); },
    slice() { this.draw(); },
  },
  async mounted() {
    this.watcher = new ResizeObserver(() => { this.side = this.$refs.stage.clientWidth; });
    this.watcher.observe(this.$refs.stage);
    this.side = this.$refs.stage.clientWidth;
    if (!this.url) return;
    try {
      const answer = await fetch(this.url, { credentials: "same-origin" });
      if (!answer.ok) throw new Error((await answer.json()).message);
      this.hu = new Int16Array(await answer.arrayBuffer());
      this.draw();
      this.$refs.stage.dataset.drawn = "yes";
    } catch (error) {
      this.problem = `The image cannot be shown: ${error.message}`;
    }
  },
  unmounted() { this.watcher?.disconnect(); },
  methods: {
    draw() {
      if (!this.hu || !this.$refs.canvas) return;
      const count = this.size * this.size, start = this.slice * count;
      const context = this.$refs.canvas.getContext("2d");
      const image = context.createImageData(this.size, this.size);
      const black = this.level - this.width / 2;
      for (let place = 0; place < count; place++) {
        const grey = Math.round((255 * (this.hu[start + place] - black)) / this.width);
        image.data[4 * place] = image.data[4 * place + 1] = image.data[4 * place + 2] = grey;
        image.data[4 * place + 3] = 255;
      }
      context.putImageData(image, 0, 0);
    },
    use(preset) { this.level = preset.level; this.width = preset.width; },
    show(slice) { if (this.url) this.slice = Math.min(2, Math.max(0, slice)); },
    change(level, width) {
      this.level = Math.round(Math.min(HIGHEST, Math.max(LOWEST, level)));
      this.width = Math.round(Math.min(WIDEST, Math.max(1, width)));
    },
    zoomBy(factor, at) {
      const before = this.zoom;
      this.zoom = Math.min(NEAREST, Math.max(1, before * factor));
      const middle = at ?? [this.side / 2, this.side / 2], ratio = this.zoom / before;
      this.pan(middle[0] - (middle[0] - this.x) * ratio, middle[1] - (middle[1] - this.y) * ratio);
    },
    pan(x, y) {
      const least = this.side * (1 - this.zoom);
      this.x = Math.min(0, Math.max(least, x));
      this.y = Math.min(0, Math.max(least, y));
    },
    fit() { this.zoom = 1; this.pan(0, 0); },
    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const number = Number(event.key), step = event.shiftKey ? 50 : 10;
      if (number >= 1 && number <= this.presets.length) this.use(this.presets[number - 1]);
      else if (event.key === "ArrowUp" || event.key === "PageUp") this.show(this.slice - 1);
      else if (event.key === "ArrowDown" || event.key === "PageDown") this.show(this.slice + 1);
      else if (event.key === "ArrowLeft") this.change(this.level - step, this.width);
      else if (event.key === "ArrowRight") this.change(this.level + step, this.width);
      else if (event.key === "+" || event.key === "=") this.zoomBy(1.5);
      else if (event.key === "-") this.zoomBy(1 / 1.5);
      else if (event.key === "0") this.fit();
      else if (event.key === "b" || event.key === "B") this.overlay = !this.overlay;
      else return;
      event.preventDefault();
    },
    wheel(event) {
      if (document.activeElement !== this.$refs.stage) return; // the page scrolls on unless the image was chosen
      event.preventDefault();
      if (event.ctrlKey || event.shiftKey || !this.url) {
        const edge = this.$refs.stage.getBoundingClientRect();
        this.zoomBy(event.deltaY < 0 ? 1.2 : 1 / 1.2, [event.clientX - edge.left, event.clientY - edge.top]);
      } else this.show(this.slice + Math.sign(event.deltaY));
    },
    grab(event) {
      this.held = { x: event.clientX, y: event.clientY, pan: event.shiftKey || event.button === 1 || !this.url };
      this.$refs.stage.setPointerCapture(event.pointerId);
    },
    move(event) {
      this.read(event);
      if (!this.held) return;
      const dx = event.clientX - this.held.x, dy = event.clientY - this.held.y;
      this.held.x = event.clientX; this.held.y = event.clientY;
      if (this.held.pan) this.pan(this.x + dx, this.y + dy);
      else if (this.url) this.change(this.level + 2 * dy, this.width + 4 * dx);
    },
    release() { this.held = null; },
    read(event) {
      if (!this.hu) return;
      const edge = this.$refs.stage.getBoundingClientRect(), scale = this.columns / this.side / this.zoom;
      const column = Math.floor((event.clientX - edge.left - this.x) * scale);
      const row = Math.floor((event.clientY - edge.top - this.y) * scale);
      const inside = column >= 0 && row >= 0 && column < this.size && row < this.size;
      this.probe = inside ? `${this.hu[this.slice * this.size * this.size + row * this.size + column]} HU` : "";
    },
  },
};
