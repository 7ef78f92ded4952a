package tenant_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/examples/tenants/tenant"
)

// hidden is a user without what nobody else may know.
func hidden(u tenant.User, err error) (tenant.User, error) {
	u.MailToken = ""
	return u, err
}

func (s *raw) user(ctx context.Context, id string, consistent bool) (tenant.User, error) {
	item, err := s.get(ctx, rawUserKey(id), consistent)
	if err != nil {
		return tenant.User{}, err
	}
	return rawDecode[tenant.User]("User", item)
}

// guard holds a unique value.
func (s *raw) guard(attribute, value, userID string) rawWrite {
	item := rawKey("UNIQUE#User#"+attribute+"#"+rawEscape(value), "UNIQUE")
	item["_owner"] = &types.AttributeValueMemberM{Value: rawUserKey(userID)}
	return s.create(item, monotable.ErrDuplicate)
}

func (s *raw) release(attribute, value string) rawWrite {
	return rawWrite{types.TransactWriteItem{Delete: &types.Delete{
		TableName: &s.table, Key: rawKey("UNIQUE#User#"+attribute+"#"+rawEscape(value), "UNIQUE"),
	}}, rawRefused}
}

func rawCheckPreferences(theme, language, digest string) error {
	if !slices.Contains([]string{"light", "dark"}, theme) || !slices.Contains([]string{"en", "de", "tr"}, language) ||
		!slices.Contains([]string{"never", "daily", "weekly"}, digest) {
		return monotable.ErrInvalid
	}
	return nil
}

func rawUserItem(u *tenant.User) (rawItem, error) {
	u.Email, u.Username = strings.ToLower(u.Email), strings.ToLower(u.Username)
	address, err := mail.ParseAddress(u.Email)
	if err != nil || address.Address != u.Email || !tenant.ValidID(u.ID) || utf8.RuneCountInString(u.Name) > 80 ||
		u.Username != "" && !rawUsername.MatchString(u.Username) {
		return nil, monotable.ErrInvalid
	}
	if err := rawCheckPreferences(u.Preferences.Theme, u.Preferences.Language, u.Preferences.Digest); err != nil {
		return nil, err
	}
	indexes := map[string]string{
		"GSI1PK": "EMAIL#" + rawEscape(u.Email), "GSI1SK": "USER#" + u.ID,
		"GSI3PK": "STATUS#" + string(u.Status), "GSI3SK": rawTime(u.Created).(*types.AttributeValueMemberS).Value + "#" + u.ID,
	}
	if u.Username != "" {
		indexes["GSI2PK"], indexes["GSI2SK"] = "USERNAME#"+u.Username, "USER#"+u.ID
	}
	return rawEncode("User", rawUserKey(u.ID), u, indexes)
}

func (s *raw) createUser(u *tenant.User) ([]rawWrite, error) {
	p := &u.Preferences
	for field, value := range map[*string]string{&p.Theme: "light", &p.Language: "en", &p.Digest: "weekly"} {
		if *field == "" {
			*field = value
		}
	}
	if p.Mail == nil {
		p.Mail = new(true)
	}
	u.Created = s.now().UTC()
	u.Status, u.MailToken, u.Updated, u.Version = tenant.Active, rand.Text(), u.Created, 1
	item, err := rawUserItem(u)
	if err != nil {
		return nil, err
	}
	writes := []rawWrite{s.create(item, monotable.ErrAlreadyExists), s.guard("email", u.Email, u.ID)}
	if u.Username != "" {
		writes = append(writes, s.guard("username", u.Username, u.ID))
	}
	return writes, nil
}

func (s *raw) CreateUser(ctx context.Context, u tenant.User, in ...tenant.Membership) (tenant.User, error) {
	u.Organizations = len(in)
	writes, err := s.createUser(&u)
	if err != nil {
		return tenant.User{}, err
	}
	for _, m := range in {
		m.UserID = u.ID
		created, err := s.createMembership(&m)
		if err != nil || m.Role == tenant.Owner {
			return tenant.User{}, errors.Join(err, monotable.ErrInvalid)
		}
		writes = append(writes, s.exists(rawOrgKey(m.OrgID)), created)
	}
	return hidden(u, s.transact(ctx, writes...))
}

func (s *raw) User(ctx context.Context, id string) (tenant.User, error) {
	return hidden(s.user(ctx, id, false))
}

func (s *raw) userBy(ctx context.Context, attribute, value string) (tenant.User, error) {
	guard, err := s.get(ctx, rawKey("UNIQUE#User#"+attribute+"#"+rawEscape(strings.ToLower(value)), "UNIQUE"), true)
	if err != nil {
		return tenant.User{}, err
	}
	owner, ok := guard["_owner"].(*types.AttributeValueMemberM)
	if !ok {
		return tenant.User{}, monotable.ErrNotFound
	}
	item, err := s.get(ctx, owner.Value, true)
	if err != nil {
		return tenant.User{}, err
	}
	return hidden(rawDecode[tenant.User]("User", item))
}

func (s *raw) UserByEmail(ctx context.Context, email string) (tenant.User, error) {
	return s.userBy(ctx, "email", email)
}

func (s *raw) UserByUsername(ctx context.Context, username string) (tenant.User, error) {
	return s.userBy(ctx, "username", username)
}

func (s *raw) find(ctx context.Context, index, pk string) (tenant.User, error) {
	in := s.queryInput(index, pk, "USER#")
	in.Limit = aws.Int32(1)
	out, err := s.client.Query(ctx, in)
	if err != nil {
		return tenant.User{}, err
	}
	if len(out.Items) == 0 {
		return tenant.User{}, monotable.ErrNotFound
	}
	return hidden(rawDecode[tenant.User]("User", out.Items[0]))
}

func (s *raw) FindByEmail(ctx context.Context, email string) (tenant.User, error) {
	return s.find(ctx, "GSI1", "EMAIL#"+rawEscape(strings.ToLower(email)))
}

func (s *raw) FindByUsername(ctx context.Context, username string) (tenant.User, error) {
	return s.find(ctx, "GSI2", "USERNAME#"+strings.ToLower(username))
}

func (s *raw) Users(ctx context.Context, status tenant.Status, limit int, from monotable.Cursor) (page monotable.Page[tenant.User], err error) {
	in := s.queryInput("GSI3", "STATUS#"+string(status), "")
	in.ScanIndexForward = aws.Bool(false)
	items, next, err := s.page(ctx, in, limit, from)
	if err != nil {
		return page, err
	}
	page.Next = next
	page.Items, err = rawDecodeAll[tenant.User]("User", items)
	for i := range page.Items {
		page.Items[i].MailToken = ""
	}
	return page, err
}

func (s *raw) UpdateUser(ctx context.Context, id string, p tenant.UserPatch, version int64) (tenant.User, error) {
	for attempt := 0; ; attempt++ {
		old, err := s.user(ctx, id, true)
		if err != nil {
			return tenant.User{}, err
		}
		if version > 0 && version != old.Version {
			return tenant.User{}, monotable.ErrVersionConflict
		}
		if old.Status != tenant.Active {
			return tenant.User{}, tenant.ErrDeleted
		}
		u := old
		for field, to := range map[*string]*string{&u.Email: p.Email, &u.Username: p.Username, &u.Name: p.Name} {
			if to != nil {
				*field = *to
			}
		}
		u.Updated, u.Version = s.now().UTC(), old.Version+1
		item, err := rawUserItem(&u)
		if err != nil {
			return tenant.User{}, err
		}
		writes := []rawWrite{{types.TransactWriteItem{Put: &types.Put{
			TableName: &s.table, Item: item, ConditionExpression: aws.String("#version = :version"), ExpressionAttributeNames: rawNames("#version"),
			ExpressionAttributeValues: rawItem{":version": rawNumber(old.Version)},
		}}, func(rawItem) error { return monotable.ErrVersionConflict }}}
		for attribute, values := range map[string][2]string{"email": {old.Email, u.Email}, "username": {old.Username, u.Username}} {
			if values[0] == values[1] {
				continue
			}
			if values[0] != "" {
				writes = append(writes, s.release(attribute, values[0]))
			}
			if values[1] != "" {
				writes = append(writes, s.guard(attribute, values[1], id))
			}
		}
		if err = s.transact(ctx, writes...); version > 0 || attempt == 10 || !errors.Is(err, monotable.ErrVersionConflict) {
			return hidden(u, err)
		}
	}
}

func (s *raw) MergePreferences(ctx context.Context, id string, p tenant.PreferencesPatch) (tenant.User, error) {
	if err := rawCheckPreferences(*cmp.Or(p.Theme, new("light")), *cmp.Or(p.Language, new("en")), *cmp.Or(p.Digest, new("never"))); err != nil {
		return tenant.User{}, err
	}
	update, values := "SET #updatedAt = :now", rawItem{":now": rawTime(s.now()), ":one": rawNumber(1), ":active": rawText("active")}
	for name, value := range map[string]*string{"theme": p.Theme, "language": p.Language, "digest": p.Digest} {
		if value != nil {
			update += ", #preferences.#" + name + " = :" + name
			values[":"+name] = rawText(*value)
		}
	}
	if p.Mail != nil {
		update += ", #preferences.#mail = :mail"
		values[":mail"] = &types.AttributeValueMemberBOOL{Value: *p.Mail}
	}
	if len(values) == 3 {
		u, err := s.User(ctx, id)
		if err == nil && u.Status != tenant.Active {
			err = tenant.ErrDeleted
		}
		return u, err
	}
	update += " ADD #version :one"
	condition := "#status = :active"
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: rawUserKey(id), UpdateExpression: &update, ConditionExpression: &condition,
		ExpressionAttributeNames: rawNames(update, condition), ExpressionAttributeValues: values, ReturnValues: types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if refused, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return tenant.User{}, fmt.Errorf("%w: %w", rawRefused(refused.Item), err)
	}
	if err != nil {
		return tenant.User{}, err
	}
	return hidden(rawDecode[tenant.User]("User", out.Attributes))
}

func (s *raw) DeleteUser(ctx context.Context, id string) error {
	for wait := 50 * time.Millisecond; wait < 5*time.Second; wait *= 2 {
		u, err := s.user(ctx, id, true)
		if err != nil || u.Status == tenant.Deleted {
			return err
		}
		memberships, err := s.memberships(ctx, id)
		if err != nil {
			return err
		}
		if len(memberships) == u.Organizations {
			if err = s.deleteUser(ctx, u, memberships); !errors.Is(err, monotable.ErrVersionConflict) {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
	return errors.New("the index is behind")
}

func (s *raw) deleteUser(ctx context.Context, u tenant.User, memberships []tenant.Membership) error {
	gone := s.update(rawUserKey(u.ID),
		"SET #status = :deleted, #organizations = :zero, #updatedAt = :now, #GSI3PK = :pk ADD #version :one "+
			"REMOVE #email, #username, #name, #preferences, #mailToken, #GSI1PK, #GSI1SK, #GSI2PK, #GSI2SK",
		"#version = :version",
		rawItem{
			":deleted": rawText("deleted"), ":zero": rawNumber(0), ":now": rawTime(s.now()), ":pk": rawText("STATUS#deleted"),
			":one": rawNumber(1), ":version": rawNumber(u.Version),
		})
	gone.refused = func(rawItem) error { return monotable.ErrVersionConflict }
	writes := []rawWrite{gone, s.release("email", u.Email)}
	if u.Username != "" {
		writes = append(writes, s.release("username", u.Username))
	}
	for _, m := range memberships {
		if m.Role == tenant.Owner {
			return tenant.ErrOwner
		}
		writes = append(writes, s.end(m.OrgID, m.UserID))
	}
	invitations, _, err := s.query(ctx, s.queryInput("GSI1", "EMAIL#"+rawEscape(u.Email), "INVITATION#"))
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(invitations, 25) {
		var deletes []types.WriteRequest
		for _, item := range batch {
			deletes = append(deletes, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: rawItem{"PK": item["PK"], "SK": item["SK"]}}})
		}
		for left, attempt := map[string][]types.WriteRequest{s.table: deletes}, 0; len(left) > 0; attempt++ {
			out, err := s.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: left})
			if err != nil {
				return err
			}
			if left = out.UnprocessedItems; len(left) > 0 {
				if err := rawPause(ctx, attempt); err != nil {
					return err
				}
			}
		}
	}
	return s.transact(ctx, writes...)
}
