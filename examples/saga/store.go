package main

import (
	"errors"
	"time"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
)

// Shop is the table with sagas and services. It is safe for concurrent use.
type Shop struct {
	table *monotable.Table
	*Orchestrator
	*Services
}

// OpenShop declares the table and its entities. It sends nothing. A nil clock is time.Now; leases do not depend on it.
func OpenShop(client monotable.Client, name string, clock func() time.Time) (*Shop, error) {
	table, err := monotable.NewTable(client, monotable.TableConfig{
		Name: name, PartitionKey: "PK", SortKey: "SK",
		Indexes: []monotable.Index{
			{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"},
			{Name: "GSI2", PartitionKey: "GSI2PK", SortKey: "GSI2SK"},
		},
		Clock: clock,
	})
	if err != nil {
		return nil, err
	}
	services, orchestrator := &Services{table: table}, &Orchestrator{}
	var errs [6]error
	services.products, errs[0] = monotable.NewEntity(table, productSchema)
	services.wallets, errs[1] = monotable.NewEntity(table, walletSchema)
	services.shipments, errs[2] = monotable.NewEntity(table, shipmentSchema)
	services.effects, errs[3] = monotable.NewEntity(table, effectSchema)
	orchestrator.sagas, errs[4] = monotable.NewEntity(table, sagaSchema)
	orchestrator.leases, errs[5] = lease.NewStore(table)
	orchestrator.steps = services.Steps()
	return &Shop{table: table, Orchestrator: orchestrator, Services: services}, errors.Join(errs[:]...)
}
