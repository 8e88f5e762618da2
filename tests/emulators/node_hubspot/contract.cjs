// The emulated HubSpot through @hubspot/api-client as it comes. Called with the emulator's URL and a token; says what
// it saw as one line of JSON, which the test in Python judges.
'use strict'

const { Client } = require('@hubspot/api-client')

const [, , basePath, accessToken] = process.argv
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
  const raw = await client.apiRequest({ path: `/crm/objects/2026-03/0-5/${ticket.id}?archived=false` })
  seen.dated = [raw.status, (await raw.json()).id === ticket.id]
  await tickets.basicApi.archive(ticket.id)
  seen.archived = (await tickets.basicApi.getPage(10, undefined, undefined, undefined, undefined, true)).results.length

  console.log(JSON.stringify(seen))
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
