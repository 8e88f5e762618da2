// The emulated HubSpot through @hubspot/api-client as it comes. Called with the emulator's URL and its credentials; says
// what it saw as one line of JSON, which the test in Python judges.
'use strict'

const { Client } = require('@hubspot/api-client')

const [, , basePath, credentials] = process.argv
const { access_token: accessToken, client_id, client_secret, refresh_token, portal_id } = JSON.parse(credentials)
const client = new Client({ basePath, accessToken })

async function main() {
  const { tickets, contacts, objects, owners, pipelines, associations } = client.crm
  const seen = {}

  const support = (await pipelines.pipelinesApi.getAll('tickets')).results[0]
  seen.stages = support.stages.map((stage) => [stage.label, stage.metadata.isClosed])
  const people = (await owners.ownersApi.getPage(undefined, undefined, 2)).results
  seen.owners = people.map((owner) => [owner.email, owner.type])
  seen.byUser = (await owners.ownersApi.getById(people[0].userId, 'userId')).email

  const properties = { subject: 'Help', hs_pipeline: support.id, hs_pipeline_stage: support.stages[0].id }
  const ticket = await tickets.basicApi.create({ properties, associations: [] })
  seen.created = [ticket.properties.subject, ticket.createdAt instanceof Date]
  const updated = await tickets.basicApi.update(ticket.id, {
    properties: { sla_due: '1772460300000', hubspot_owner_id: people[0].id },
  })
  seen.updated = [updated.properties.sla_due, updated.properties.hubspot_owner_id === people[0].id]

  const made = await tickets.batchApi.create({
    inputs: ['a', 'b'].map((subject) => ({ properties: { ...properties, subject }, associations: [] })),
  })
  seen.batchCreated = [made.status, made.results.map((one) => one.properties.subject).sort()]
  const partly = await tickets.batchApi.update({
    inputs: [
      { id: made.results[0].id, properties: { sla_status: 'running' } },
      { id: '9', properties: { sla_status: 'running' } },
    ],
  })
  seen.batchUpdated = [partly.results.length, partly.numErrors, partly.errors[0].category]
  const read = await tickets.batchApi.read({
    inputs: [{ id: ticket.id }],
    properties: ['subject'],
    propertiesWithHistory: ['sla_due'],
  })
  seen.batchRead = read.results[0].propertiesWithHistory.sla_due[0].sourceType

  const found = await tickets.searchApi.doSearch({
    filterGroups: [{ filters: [{ propertyName: 'sla_status', operator: 'EQ', value: 'running' }] }],
    sorts: ['hs_object_id'],
    properties: ['sla_status'],
    limit: 10,
    after: '0',
  })
  seen.searched = [found.total, found.results[0].properties.sla_status]

  const type = { associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 230 }
  const task = await objects.tasks.basicApi.create({
    properties: { hs_task_subject: 'Call now', hs_timestamp: '1772460300000', hubspot_owner_id: people[0].id },
    associations: [{ to: { id: ticket.id }, types: [type] }],
  })
  const ends = await associations.v4.basicApi.getPage('tickets', ticket.id, 'tasks')
  seen.task = [task.properties.hs_task_status, ends.results.map((end) => String(end.toObjectId)).includes(task.id)]

  const contact = await contacts.basicApi.create({ properties: { email: 'ada@acme.test' }, associations: [] })
  await associations.v4.basicApi.createDefault('tickets', ticket.id, 'contacts', contact.id)
  const lead = await objects.leads.basicApi.create({
    properties: { hs_lead_name: 'Ada' },
    associations: [{ to: { id: contact.id }, types: [{ ...type, associationTypeId: 578 }] }],
  })
  seen.lead = (await objects.leads.basicApi.getById(lead.id, ['hs_lead_name'])).properties.hs_lead_name

  try {
    await tickets.basicApi.update(ticket.id, { properties: { nonsense: '1' } })
  } catch (refused) {
    seen.refused = [refused.code, refused.body.category, refused.body.errors[0].code]
  }
  Object.assign(seen, await oauth(), await setUp(), await answers(ticket.id), await refusals(ticket.id))
  const raw = await client.apiRequest({ path: `/crm/objects/2026-03/0-5/${ticket.id}?archived=false` })
  seen.dated = [raw.status, (await raw.json()).id === ticket.id]
  await tickets.basicApi.archive(ticket.id)
  seen.archived = (await tickets.basicApi.getPage(10, undefined, undefined, undefined, undefined, true)).results.length

  console.log(JSON.stringify(seen))
}

async function oauth() {
  const app = new Client({ basePath })
  const create = (token) => app.oauth.tokensApi.create('refresh_token', undefined, undefined, client_id, client_secret, token)
  const granted = await create(refresh_token)
  const told = await app.oauth.accessTokensApi.get(granted.accessToken)
  const owners = (await new Client({ basePath, accessToken: granted.accessToken }).crm.owners.ownersApi.getPage()).results
  const refused = await create('na1-other').catch((error) => [error.code, error.body.status, error.body.error])
  return { oauth: [granted.tokenType, granted.expiresIn, String(told.hubId) === portal_id, owners.length > 0, refused] }
}

async function setUp() {
  const { batchApi, groupsApi, coreApi } = client.crm.properties
  const group = await groupsApi.create('tasks', { name: 'sla_group', label: 'SLA', displayOrder: -1 })
  const shape = { groupName: group.name, type: 'string', fieldType: 'text' }
  const made = await batchApi.create('tasks', {
    inputs: [{ ...shape, name: 'sla_key', label: 'Key', hasUniqueValue: true }, { ...shape, name: 'sla_why', label: 'Why' }],
  })
  const again = await coreApi.create('tasks', { ...shape, name: 'sla_key', label: 'Key' }).catch((error) => error.code)
  const wish = { id: 'a', idProperty: 'sla_key', properties: { sla_key: 'a', hs_timestamp: '1772460300000' } }
  const upsert = async () => (await client.crm.objects.tasks.batchApi.upsert({ inputs: [wish] })).results[0]
  const [first, second] = [await upsert(), await upsert()]
  return {
    setUp: [made.results.map((one) => one.name).sort(), made.results[0].groupName, again],
    upserted: [first._new ?? first['new'], second._new ?? second['new'], first.id === second.id],
  }
}

async function answers(id) {
  await control('act', { do: 'message', object: 'tickets', id, text: 'Help!' })
  await control('act', { do: 'message', object: 'tickets', id, direction: 'outbound', by: 'sam@acme.test' })
  await control('act', { do: 'update', object: 'tickets', id, stage: 'closed', via: 'workflow' })
  const read = await client.crm.tickets.batchApi.read({
    inputs: [{ id }],
    properties: ['hs_is_closed'],
    propertiesWithHistory: ['hs_pipeline_stage', 'hubspot_owner_id'],
  })
  const { hs_pipeline_stage: stages, hubspot_owner_id: owners } = read.results[0].propertiesWithHistory
  const page = await get(`/conversations/v3/conversations/threads?associatedTicketId=${id}&association=TICKET`)
  const messages = await get(`/conversations/v3/conversations/threads/${page.results[0].id}/messages`)
  return {
    history: [stages.map((one) => one.sourceType), owners[0].timestamp instanceof Date],
    said: messages.results.filter((one) => one.type === 'MESSAGE').map((one) => one.direction).sort(),
  }
}

async function refusals(id) {
  const { tickets, contacts } = client.crm
  const of = (call) => call.then(() => 'done', (error) => [error.code, error.body.category, error.body.policyName])
  const seen = {}
  await control('faults', { fault: 'status:429', path: '/crm/v3/objects', times: 1 })
  seen.rolling = await of(tickets.basicApi.getById(id))
  await control('faults', { fault: 'quota', times: 1 })
  seen.daily = await of(tickets.basicApi.getById(id))
  seen.stranger = await of(new Client({ basePath, accessToken: 'pat-na1-x' }).crm.tickets.basicApi.getById(id))
  await control('act', { do: 'settings', missing_scopes: ['tickets'] })
  seen.scopes = await of(tickets.basicApi.getById(id))
  await control('act', { do: 'settings', missing_scopes: [] })
  seen.doubled = await of(contacts.basicApi.create({ properties: { email: 'ada@acme.test' }, associations: [] }))
  await control('faults', { fault: 'partial', times: 1 })
  const partly = await tickets.batchApi.update({ inputs: [{ id, properties: { sla_status: 'met' } }] })
  seen.partly = [partly.status, partly.numErrors, partly.errors[0].category]
  return { refusals: seen }
}

async function get(path) {
  return (await client.apiRequest({ path })).json()
}

async function control(what, body) {
  const answer = await fetch(`${basePath}/_emulator/${what}`, { method: 'POST', body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(await answer.text())
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
