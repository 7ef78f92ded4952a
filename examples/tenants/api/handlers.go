package api

import (
	"cmp"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/monotable/monotable/examples/tenants/tenant"
)

// An invitation of maxInvitations addresses takes ten seconds, so that the answer comes before the server's WriteTimeout.
const (
	maxInvitations       = 1000
	invitationsPerSecond = 100
)

// What requests bring. These are types of their own, so that nobody sets a version, a status or an owner from outside.

type newUser struct {
	ID           string      `json:"id"`
	Email        string      `json:"email"`
	Username     string      `json:"username"`
	Name         string      `json:"name"`
	Organization *membership `json:"organization"` // to be in from the first day
}

func (u newUser) user() tenant.User {
	return tenant.User{ID: u.ID, Email: u.Email, Username: u.Username, Name: u.Name}
}

type membership struct {
	ID   string      `json:"id"`
	Role tenant.Role `json:"role"`
}

type newOrganization struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Plan    string `json:"plan"`
	OwnerID string `json:"ownerId"`
}

func (o newOrganization) organization() tenant.Organization {
	return tenant.Organization{ID: o.ID, Name: o.Name, Plan: o.Plan}
}

func (a *api) signUp(r *http.Request) (any, error) {
	in, err := decode[struct {
		User         newUser         `json:"user"`
		Organization newOrganization `json:"organization"`
	}](r)
	if err != nil {
		return nil, err
	}
	u, o, err := a.SignUp(r.Context(), in.User.user(), in.Organization.organization())
	names := fields{
		"userId": "user.id", "email": "user.email", "": "user.email", "username": "user.username", "name": "organization.name",
		"orgId": "organization.id", "plan": "organization.plan",
	}
	if utf8.RuneCountInString(in.User.Name) > 80 { // both have a name
		names["name"] = "user.name"
	}
	return created{map[string]any{"user": u, "organization": o}}, names.explain(err)
}

func (a *api) createUser(r *http.Request) (any, error) {
	in, err := decode[newUser](r)
	if err != nil {
		return nil, err
	}
	var memberships []tenant.Membership
	if o := in.Organization; o != nil {
		if err := checkID("organization.id", o.ID); err != nil {
			return nil, err
		}
		memberships = append(memberships, tenant.Membership{OrgID: o.ID, Role: o.Role})
	}
	u, err := a.CreateUser(r.Context(), in.user(), memberships...)
	names := fields{"userId": "id", "email": "email", "": "email", "username": "username", "name": "name", "role": "organization.role"}
	return created{u}, names.explain(err)
}

// listUsers is the user with an email or a username, or a page of those of a status.
func (a *api) listUsers(r *http.Request) (any, error) {
	query := r.URL.Query()
	if email := query.Get("email"); email != "" {
		return a.UserByEmail(r.Context(), email)
	}
	if username := query.Get("username"); username != "" {
		return a.UserByUsername(r.Context(), username)
	}
	status := tenant.Active
	if s := query.Get("status"); s != "" {
		if status = tenant.Status(s); status != tenant.Active && status != tenant.Deleted {
			return nil, invalid("invalid", "status", "must be active or deleted")
		}
	}
	limit, from, err := position(r)
	if err != nil {
		return nil, err
	}
	return listOf(a.Users(r.Context(), status, limit, from))
}

func (a *api) getUser(r *http.Request) (any, error) {
	return a.User(r.Context(), r.PathValue("id"))
}

// updateUser checks the version that the caller has seen, if it is in the body.
func (a *api) updateUser(r *http.Request) (any, error) {
	in, err := decode[struct {
		tenant.UserPatch
		Version *int64 `json:"version"`
	}](r)
	if err != nil {
		return nil, err
	}
	var version int64
	if in.Version != nil {
		if version = *in.Version; version < 1 {
			return nil, invalid("invalid", "version", "must be at least 1")
		}
	}
	names := fields{}
	if in.Email != nil {
		names["email"], names[""] = "email", "email" // the rule of the whole user is about it
	}
	if in.Username != nil {
		names["username"] = "username"
	}
	if in.Name != nil {
		names["name"] = "name"
	}
	u, err := a.UpdateUser(r.Context(), r.PathValue("id"), in.UserPatch, version)
	return u, names.explain(err)
}

func (a *api) mergePreferences(r *http.Request) (any, error) {
	in, err := decode[tenant.PreferencesPatch](r)
	if err != nil {
		return nil, err
	}
	u, err := a.MergePreferences(r.Context(), r.PathValue("id"), in)
	names := fields{"preferences.theme": "theme", "preferences.language": "language", "preferences.digest": "digest"}
	return u.Preferences, names.explain(err)
}

func (a *api) deleteUser(r *http.Request) (any, error) {
	return nil, a.DeleteUser(r.Context(), r.PathValue("id"))
}

func (a *api) organizations(r *http.Request) (any, error) {
	seats, err := a.Organizations(r.Context(), r.PathValue("id"))
	return list[tenant.Seat]{Items: seats}, err
}

func (a *api) colleagues(r *http.Request) (any, error) {
	colleagues, err := a.Colleagues(r.Context(), r.PathValue("id"))
	return list[tenant.Membership]{Items: colleagues}, err
}

func (a *api) createOrganization(r *http.Request) (any, error) {
	in, err := decode[newOrganization](r)
	if err != nil {
		return nil, err
	}
	if err := checkID("ownerId", in.OwnerID); err != nil {
		return nil, err
	}
	o, err := a.CreateOrganization(r.Context(), in.organization(), in.OwnerID)
	return created{o}, fields{"orgId": "id", "name": "name", "plan": "plan"}.explain(err)
}

func (a *api) overview(r *http.Request) (any, error) {
	return a.Overview(r.Context(), r.PathValue("id"))
}

func (a *api) members(r *http.Request) (any, error) {
	limit, from, err := position(r)
	if err != nil {
		return nil, err
	}
	return listOf(a.Members(r.Context(), r.PathValue("id"), limit, from))
}

func (a *api) join(r *http.Request) (any, error) {
	in, err := decode[membership](r) // of the user with this id
	if err != nil {
		return nil, err
	}
	if err := checkID("id", in.ID); err != nil {
		return nil, err
	}
	m, err := a.Join(r.Context(), tenant.Membership{OrgID: r.PathValue("id"), UserID: in.ID, Role: in.Role})
	return created{m}, fields{"orgId": "", "role": "role"}.explain(err)
}

func (a *api) leave(r *http.Request) (any, error) {
	return nil, a.Leave(r.Context(), r.PathValue("id"), r.PathValue("user"))
}

func (a *api) transferOwnership(r *http.Request) (any, error) {
	in, err := decode[struct {
		From string `json:"from"`
		To   string `json:"to"`
	}](r)
	if err != nil {
		return nil, err
	}
	if err := cmp.Or(checkID("from", in.From), checkID("to", in.To)); err != nil {
		return nil, err
	}
	if in.From == in.To {
		return nil, invalid("invalid", "to", "must be somebody else")
	}
	return nil, a.TransferOwnership(r.Context(), r.PathValue("id"), in.From, in.To)
}

func (a *api) invite(r *http.Request) (any, error) {
	in, err := decode[struct {
		Emails []string `json:"emails"`
	}](r)
	if err != nil {
		return nil, err
	}
	if len(in.Emails) > maxInvitations {
		return nil, invalid("too_many", "emails", fmt.Sprintf("must be at most %d", maxInvitations))
	}
	n, err := a.Invite(r.Context(), r.PathValue("id"), in.Emails, invitationsPerSecond, nil)
	return map[string]int{"invited": n}, fields{"orgId": "", "email": "emails"}.explain(err)
}
