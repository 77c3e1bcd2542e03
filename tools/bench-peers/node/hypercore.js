// hypercore: node hypercore.js FOLDER ENTRIES COUNT. Prints `case TAB value`.
const fs = require('fs')
const Hypercore = require('hypercore')
const [folder, path, count] = process.argv.slice(2)
const entries = fs.readFileSync(path).toString().trimEnd().split('\n').slice(0, Number(count)).map(line => Buffer.from(line))
const seconds = since => Number(process.hrtime.bigint() - since) / 1e9
const say = (name, value) => console.log(`${name}\t${value}`)

;(async () => {
  const core = new Hypercore(folder)
  await core.ready()
  let begun = process.hrtime.bigint()
  for (let at = 0; at < entries.length; at += 256) await core.append(entries.slice(at, at + 256))
  say('bulk', entries.length / seconds(begun))
  say('appended', entries.length)
  begun = process.hrtime.bigint()
  const alone = Math.min(2000, entries.length)
  for (const entry of entries.slice(0, alone)) await core.append(entry)
  say('one', alone / seconds(begun))
  await core.close()
  process.exit(0)
})()
