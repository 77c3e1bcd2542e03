// Secure Scuttlebutt's rules: node ssb.js FOLDER ENTRIES COUNT. Prints `case TAB value`.
const fs = require('fs')
const validate = require('ssb-validate')
const keys = require('ssb-keys')
const [, path, count] = process.argv.slice(2)
const entries = fs.readFileSync(path).toString().trimEnd().split('\n').slice(0, Number(count))
const seconds = since => Number(process.hrtime.bigint() - since) / 1e9
const say = (name, value) => console.log(`${name}\t${value}`)

const own = keys.generate()
let state = validate.initial()
const messages = []
let begun = process.hrtime.bigint()
entries.forEach((line, at) => {
  const { payload } = JSON.parse(line)
  state = validate.appendNew(state, null, own, { type: 'bench', ...payload }, 1e12 + at)
  messages.push(state.queue.pop().value)
})
say('bulk', entries.length / seconds(begun))
say('appended', entries.length)
begun = process.hrtime.bigint()
state = validate.initial()
for (const message of messages) state = validate.append(state, null, message)
say('audit', entries.length / seconds(begun))
